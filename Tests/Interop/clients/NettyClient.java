// Speaks to an echo server with Netty 4.1.
//
//     java NettyClient ws://127.0.0.1:9001/ 00|07|08|13 echo|refused
//
// Prints a line for every check: "ok ..." or "not ok ...".

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketClientHandshaker;
import io.netty.handler.codec.http.websocketx.WebSocketClientHandshakerFactory;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketVersion;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

public final class NettyClient extends SimpleChannelInboundHandler<Object> {
    private static final Object END = new Object();
    private final WebSocketClientHandshaker handshaker;
    /** Frames as arrays, "open", "close", what went wrong, and END. */
    private final BlockingQueue<Object> events = new LinkedBlockingQueue<>();

    private NettyClient(URI uri, WebSocketVersion version) {
        DefaultHttpHeaders headers = new DefaultHttpHeaders();
        handshaker = WebSocketClientHandshakerFactory.newHandshaker(
            uri, version, null, false, headers, 1 << 20);
    }

    @Override public void channelActive(ChannelHandlerContext context) {
        handshaker.handshake(context.channel());
    }

    @Override public void channelInactive(ChannelHandlerContext context) {
        events.add(END);
    }

    @Override protected void channelRead0(ChannelHandlerContext context, Object message) {
        if (!handshaker.isHandshakeComplete()) {
            FullHttpResponse response = (FullHttpResponse) message;
            if (response.status().code() != 101) {
                events.add("status " + response.status().code());
                return;
            }
            handshaker.finishHandshake(context.channel(), response);
            events.add("open");
        } else if (message instanceof CloseWebSocketFrame) {
            events.add("close");
        } else if (message instanceof TextWebSocketFrame
                || message instanceof BinaryWebSocketFrame) {
            WebSocketFrame frame = (WebSocketFrame) message;
            byte[] bytes = new byte[frame.content().readableBytes()];
            frame.content().readBytes(bytes);
            events.add(bytes);
        }
    }

    @Override public void exceptionCaught(ChannelHandlerContext context, Throwable problem) {
        events.add(problem.toString());
        context.close();
    }

    private Object next() throws InterruptedException {
        Object event = events.poll(10, TimeUnit.SECONDS);
        return event == null ? "no answer in 10 seconds" : event;
    }

    private static void report(String name, String problem) {
        System.out.println(problem == null ? "ok " + name : "not ok " + name + ": " + problem);
    }

    private void echo(Channel channel, String name, byte[] bytes, boolean isText) throws Exception {
        channel.writeAndFlush(isText
            ? new TextWebSocketFrame(Unpooled.wrappedBuffer(bytes))
            : new BinaryWebSocketFrame(Unpooled.wrappedBuffer(bytes)));
        Object event = next();
        boolean isSame = event instanceof byte[] && Arrays.equals((byte[]) event, bytes);
        String what = event instanceof byte[]
            ? ((byte[]) event).length + " bytes" : event.toString();
        report(name, isSame ? null : what + " came back");
    }

    private void run(Channel channel, String version, String mode) throws Exception {
        Object first = next();
        if (mode.equals("refused")) {
            report("refused with 426", "status 426".equals(first) ? null : first.toString());
            return;
        }
        report("opening handshake", "open".equals(first) ? null : first.toString());
        if (!"open".equals(first)) return;
        boolean isHixie = version.equals("00");
        // Netty 4.1.48 forgets the beginning of a hixie frame that it does not read in one piece,
        // so only sizes that it does are asked of it.
        int[] sizes = isHixie ? new int[] {0, 1, 125, 126, 4096, 16384}
            : new int[] {0, 1, 125, 126, 65535, 65536};
        for (int size : sizes) {
            byte[] bytes = new byte[size];
            Arrays.fill(bytes, (byte) 'x');
            echo(channel, "text, " + size + " bytes", bytes, true);
            if (!isHixie) echo(channel, "binary, " + size + " bytes", bytes, false);
        }
        byte[] mixed = "a \u00e9 \u2603 \ud834\udd1e".getBytes(StandardCharsets.UTF_8);
        echo(channel, "text, all of Unicode's lengths", mixed, true);
        handshaker.close(channel, isHixie
            ? new CloseWebSocketFrame() : new CloseWebSocketFrame(1000, "done"));
        Object event = next();
        if (event.equals("close")) event = next();
        report("closing handshake", event == END ? null : event.toString());
    }

    public static void main(String[] arguments) throws Exception {
        URI uri = new URI(arguments[0]);
        WebSocketVersion version = WebSocketVersion.valueOf("V" + arguments[1]);
        NioEventLoopGroup group = new NioEventLoopGroup(1);
        try {
            NettyClient client = new NettyClient(uri, version);
            Channel channel = new Bootstrap().group(group).channel(NioSocketChannel.class)
                .option(ChannelOption.RCVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(1 << 18))
                .handler(new ChannelInitializer<SocketChannel>() {
                    @Override protected void initChannel(SocketChannel socket) {
                        socket.pipeline().addLast(
                            new HttpClientCodec(), new HttpObjectAggregator(8192), client);
                    }
                })
                .connect(uri.getHost(), uri.getPort()).sync().channel();
            client.run(channel, arguments[1], arguments[2]);
        } catch (Exception problem) {
            report("connection", problem.toString());
        } finally {
            group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        }
    }
}
