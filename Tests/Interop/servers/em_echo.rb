# Echoes with ruby-em-websocket. Prints its port when it is ready.
require "em-websocket"

EM.run do
  options = { host: "127.0.0.1", port: (ARGV[0] || 0).to_i }
  server = EM::WebSocket.start(options) do |socket|
    socket.onmessage { |text| socket.send_text(text) }
    socket.onbinary { |data| socket.send_binary(data) }
    socket.onerror { |_| }
  end
  puts "listening on #{Socket.unpack_sockaddr_in(EM.get_sockname(server))[0]}"
  $stdout.flush
end
