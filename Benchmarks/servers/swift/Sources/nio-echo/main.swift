// SwiftNIO's NIOWebSocket: one event loop, its own aggregator for fragments, one flush for what a
// read brought in.

import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket

struct Options {
    var port = 0
    var tls: NIOSSLContext?
    var isBroadcast = false

    init(_ words: [String]) throws {
        port = words.first.flatMap(Int.init) ?? 0
        if words.contains("--deflate") {
            FileHandle.standardError.write(Data("this server has no compression\n".utf8))
            exit(64)
        }
        isBroadcast = words.contains("--broadcast")
        if let place = words.firstIndex(of: "--tls"), place + 2 < words.count {
            tls = try NIOSSLContext(
                configuration: .makeServerConfiguration(
                    certificateChain: NIOSSLCertificate.fromPEMFile(words[place + 1])
                        .map { .certificate($0) },
                    privateKey: .privateKey(NIOSSLPrivateKey(file: words[place + 2], format: .pem))
                )
            )
        }
    }
}

/// Everyone who is to get a broadcast. Used on the one loop alone.
final class Everyone: @unchecked Sendable {
    var contexts: [ObjectIdentifier: ChannelHandlerContext] = [:]
    /// Those who were written to since the last flush.
    var isDirty = false
}

final class EchoHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private let everyone: Everyone?

    init(everyone: Everyone?) {
        self.everyone = everyone
    }

    func handlerAdded(context: ChannelHandlerContext) {
        everyone?.contexts[ObjectIdentifier(context.channel)] = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        everyone?.contexts[ObjectIdentifier(context.channel)] = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        let payload = frame.unmaskedData
        switch frame.opcode {
        case .text:
            // The library leaves this check to its user. RFC 6455 section 8.1.
            guard payload.readableBytesView.withContiguousStorageIfAvailable(isUTF8) ?? true else {
                return context.close(promise: nil)
            }
            send(WebSocketFrame(fin: true, opcode: .text, data: payload), context)
        case .binary:
            send(WebSocketFrame(fin: true, opcode: .binary, data: payload), context)
        case .ping:
            let pong = WebSocketFrame(fin: true, opcode: .pong, data: payload)
            context.write(wrapOutboundOut(pong), promise: nil)
        case .connectionClose:
            let answer = WebSocketFrame(fin: true, opcode: .connectionClose, data: payload)
            context.writeAndFlush(wrapOutboundOut(answer))
                .assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        default: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if let everyone, everyone.isDirty {
            everyone.isDirty = false
            for other in everyone.contexts.values { other.flush() }
        } else {
            context.flush()
        }
    }

    private func send(_ frame: WebSocketFrame, _ context: ChannelHandlerContext) {
        guard let everyone else { return context.write(wrapOutboundOut(frame), promise: nil) }
        everyone.isDirty = true
        for other in everyone.contexts.values { other.write(wrapOutboundOut(frame), promise: nil) }
    }
}

/// The standard library's validation, which makes no copy.
private func isUTF8(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    (try? UTF8Span(validating: bytes.span)) != nil
}

let options = try Options(Array(CommandLine.arguments.dropFirst()))
let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
let everyone = options.isBroadcast ? Everyone() : nil

let bootstrap = ServerBootstrap(group: group)
    .serverChannelOption(.backlog, value: 4096)
    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
    .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            if let tls = options.tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
            let upgrader = NIOWebSocketServerUpgrader(
                maxFrameSize: 64 << 20,
                shouldUpgrade: { channel, _ in
                    channel.eventLoop.makeSucceededFuture(HTTPHeaders())
                },
                upgradePipelineHandler: { channel, _ in
                    channel.eventLoop.makeCompletedFuture {
                        let aggregator = NIOWebSocketFrameAggregator(
                            minNonFinalFragmentSize: 0,
                            maxAccumulatedFrameCount: 1 << 20,
                            maxAccumulatedFrameSize: 64 << 20
                        )
                        try channel.pipeline.syncOperations.addHandlers(
                            [aggregator, EchoHandler(everyone: everyone)]
                        )
                    }
                }
            )
            try pipeline.configureHTTPServerPipeline(
                withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in })
            )
        }
    }
    .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
    .childChannelOption(.maxMessagesPerRead, value: 16)
    .childChannelOption(
        .recvAllocator,
        value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 16_384, maximum: 524_288)
    )

let channel = try bootstrap.bind(host: "127.0.0.1", port: options.port).wait()
try channel.closeFuture.wait()
