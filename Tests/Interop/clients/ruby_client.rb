# Speaks to an echo server with ruby-websocket.
#
#     ruby ruby_client.rb ws://127.0.0.1:9001/ 75|76|7|8|13 echo|refused
#
# Prints a line for every check: "ok ..." or "not ok ...".
require "socket"
require "timeout"
require "uri"
require "websocket"

WebSocket.max_frame_size = 1 << 20
SIZES = [0, 1, 125, 126, 65_535, 65_536].freeze

class Peer
  def initialize(url, version)
    @version = version
    @handshake = WebSocket::Handshake::Client.new(
      url: url, version: version, origin: "http://#{URI(url).host}:#{URI(url).port}"
    )
    @socket = TCPSocket.new(URI(url).host, URI(url).port)
    @incoming = WebSocket::Frame::Incoming::Client.new(version: version)
    @received = +""
  end

  # The status line of the answer to the opening handshake.
  def open
    @socket.write(@handshake.to_s)
    until answered?
      data = @socket.readpartial(65_536)
      @received << data
      @handshake << data
      break if @handshake.error
    end
    @received.lines.first.to_s.strip
  end

  # The echo server says nothing before it is spoken to, so nothing follows the answer. With
  # version 76 the library calls the head alone finished; the 16 bytes behind it are needed too.
  def answered?
    return false unless @handshake.finished?
    @version != 76 || @received.b.split("\r\n\r\n".b, 2)[1].to_s.bytesize >= 16
  end

  def open?
    @handshake.finished? && @handshake.valid?
  end

  def send(data, type)
    frame = WebSocket::Frame::Outgoing::Client.new(version: @version, data: data, type: type)
    @socket.write(frame.to_s)
  end

  # The next frame, or nil at the end of the connection.
  def receive
    loop do
      frame = @incoming.next
      raise @incoming.error.to_s if @incoming.error?
      return frame if frame
      @incoming << @socket.readpartial(65_536)
    end
  rescue EOFError
    nil
  end

  def close
    @socket.close
  end
end

def check(name)
  problem = Timeout.timeout(15) { yield }
  puts problem ? "not ok #{name}: #{problem}" : "ok #{name}"
rescue StandardError => error
  puts "not ok #{name}: #{error.class}: #{error.message}"
end

def echo(peer, text, type = :text)
  peer.send(text, type)
  frame = peer.receive
  return "the connection ended" unless frame
  return "a frame of type #{frame.type}" unless frame.type == type
  actual = frame.to_s.b
  actual == text.b ? nil : "#{actual.bytesize} bytes came back, #{text.bytesize} were sent"
end

url, version, mode = ARGV
version = version.to_i
if mode == "refused"
  check("refused with 426") do
    line = Peer.new(url, version).open
    line.start_with?("HTTP/1.1 426 ") ? nil : "answered #{line.inspect}"
  end
  exit
end

peer = Peer.new(url, version)
check("opening handshake") do
  line = peer.open
  peer.open? ? nil : "answered #{line.inspect}"
end
exit unless peer.open?
SIZES.each { |size| check("text, #{size} bytes") { echo(peer, "x" * size) } }
check("text, all of Unicode's lengths") { echo(peer, "a é ☃ 𝄞") }
check("20 texts") { (1..20).map { |n| echo(peer, "text #{n}") }.compact.first }
check("binary, 65536 bytes") { echo(peer, "\xFF\x00" * 32_768, :binary) } if version < 70
if version == 75
  check("end without a closing handshake") { peer.close }
else
  check("closing handshake") do
    peer.send("", :close)
    frame = peer.receive
    next "the connection ended without a Close frame" unless frame
    next "a frame of type #{frame.type}" unless frame.type == :close
    peer.receive ? "more came behind the Close frame" : nil
  end
end
