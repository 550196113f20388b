// A worker that takes its time: a peer that sends faster than the work is done has to wait, and the
// memory it can fill stays small. Nothing here says so; it is what `for try await` means.
//
//     swift run --package-path Examples worker
//     for i in $(seq 1000); do echo job $i; done | websocat ws://127.0.0.1:9001/work

import StargateCore

let server = Server(configuration: .init(port: 9001))
server.webSocket("/work", origin: .any, receiveCredit: ReceiveCredit(messageCount: 16)) { socket in
    var count = 0
    for try await message in socket.messages {
        try await Task.sleep(for: .milliseconds(100))
        count += 1
        try await socket.send("\(count): \(message.byteCount) bytes")
    }
}
try server.start()
print("listening on ws://127.0.0.1:9001/work")
try await server.run(stoppingOn: [.interrupt, .terminate])
