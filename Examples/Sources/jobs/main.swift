// The job board: a back end changes a job with one POST, and every page that is attached sees it.
//
//     jobs [port]                                          0 takes a free port
//     curl -d state=start http://127.0.0.1:9001/jobs/1

import Glibc
import StargateCore

let board = Board(["1": "waiting", "2": "waiting", "3": "waiting"])
let page = Response.file(PackageResources.jobs_html, contentType: "text/html; charset=utf-8")
let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 9001
let server = Server(configuration: .init(port: port))

server.get("/") { _ in page }
server.webSocket("/jobs") { _ in
    .accept { Page(board) }
}
server.get("/jobs/:id") { request in
    guard let state = board.state(of: request.parameters["id"] ?? "") else { return .notFound }
    return .text(state + "\n")
}
server.post("/jobs/:id") { [unowned server] request in
    // A form of one field; what a client sends is looked up, never repeated.
    let action = Board.Action.allCases.first { request.text == "state=\($0.rawValue)" }
    guard let action else {
        let known = Board.Action.allCases.map(\.rawValue).joined(separator: ", ")
        throw Rejection(.unprocessableContent, body: "state is one of \(known)\n")
    }
    guard let state = board.apply(action, to: request.parameters["id"] ?? "", server)
    else {
        return .notFound
    }
    return .text(state + "\n")
}
server.get("/health") { _ in .text("ok") }
server.get("/ready") { [unowned server] _ in
    server.isReady ? .text("ready") : .text("not now", status: .serviceUnavailable)
}

try await server.run(stoppingOn: [.interrupt, .terminate]) {
    for address in server.addresses { print("listening on http://\(address)/") }
    // At once, also when the output is a pipe.
    fflush(nil)
}
