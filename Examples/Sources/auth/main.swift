// Authentication at the upgrade: who a client is is found out before it is let in, and that may
// take a moment. The token comes in a cookie, as browsers have it, or in the query.
//
//     auth [port]                                          0 takes a free port
//     curl -i -d name=ann http://127.0.0.1:9001/login

import Glibc
import StargateCore

var configuration = Server.Configuration()
configuration.port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 9001
// Nobody waits longer than this for the accounts: 503, and the look-up's task is cancelled.
configuration.upgradeTimeout = .seconds(2)
let server = Server(configuration: configuration)
let accounts = Accounts()

server.post("/login") { request in
    guard let name = request.text.flatMap(Accounts.name(inForm:)) else {
        throw Rejection(.unprocessableContent, body: "a name has 1 to 20 letters\n")
    }
    let token = await accounts.logIn(name)
    // Add isSecure: true where there is TLS.
    return .text(token + "\n").setting(SetCookie("session", token, maxAge: .seconds(3600)))
}

// Same origin only, because cookies come along with requests from any page.
server.webSocket("/me", origin: .sameOrigin) { request in
    guard let token = request.cookies["session"] ?? request.query["token"] else {
        return .reject(.unauthorized, body: "log in first\n")
    }
    guard let name = try await accounts.name(of: token) else {
        return .reject(.forbidden, body: "log in again\n")
    }
    return .accept { Greeter(name) }
}

try await server.run(stoppingOn: [.interrupt, .terminate]) {
    for address in server.addresses { print("listening on http://\(address)/") }
    // At once, also when the output is a pipe.
    fflush(nil)
}
