# Echoes with ruby-websocket-driver on EventMachine. Prints its port when it is ready.
require "eventmachine"
require "websocket/driver"

class EchoConnection < EM::Connection
  def post_init
    @driver = WebSocket::Driver.server(self)
    @driver.on(:connect) { WebSocket::Driver.websocket?(@driver.env) ? @driver.start : refuse }
    @driver.on(:message) do |event|
      event.data.is_a?(String) ? @driver.text(event.data) : @driver.binary(event.data)
    end
    @driver.on(:error) { |_| close_connection_after_writing }
    @driver.on(:close) { |_| close_connection_after_writing }
  end

  def receive_data(data)
    @driver.parse(data)
  rescue StandardError
    # The library lets some requests raise; one of them must not end the server for all.
    close_connection
  end

  # Plain HTTP is the application's to answer.
  def refuse
    send_data("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    close_connection_after_writing
  end

  # What the driver calls to send.
  def write(data)
    send_data(data)
  end
end

EM.run do
  server = EM.start_server("127.0.0.1", (ARGV[0] || 0).to_i, EchoConnection)
  puts "listening on #{Socket.unpack_sockaddr_in(EM.get_sockname(server))[0]}"
  $stdout.flush
end
