// A worker that takes its time, with an asynchronous handler.
//
//     worker [port] [milliseconds]                         0 takes a free port; 100 ms for a job
//     for i in $(seq 1000); do echo job $i; done | websocat ws://127.0.0.1:9001/work

import Glibc
import StargateCore

let arguments = CommandLine.arguments.dropFirst().map { Int($0) }
let port = (arguments.first ?? nil) ?? 9001
let duration = Duration.milliseconds((arguments.dropFirst().first ?? nil) ?? 100)
let server = Server(configuration: .init(port: port))

// A peer may be 16 messages ahead of the worker, which it then has to wait for.
server.webSocket("/work", origin: .any, receiveCredit: ReceiveCredit(messageCount: 16)) { socket in
    try await work(for: socket, duration: duration)
}

try await server.run(stoppingOn: [.interrupt, .terminate]) {
    for address in server.addresses { print("listening on ws://\(address)/work") }
    // At once, also when the output is a pipe.
    fflush(nil)
}
