// uWebSockets built from its own sources, over epoll: for those who have a checkout at hand.
#include "App.h"
#include "options.h"

struct Nothing {};

int main(int argc, char **argv) {
    struct options options = parse_options(argc, argv);
    refuse(options.certificate, "TLS: it was built without");
    refuse(options.deflate, "compression: it was built without");
    uWS::App app;
    app.ws<Nothing>("/*", {
        .compression = uWS::DISABLED,
        .maxPayloadLength = 64 << 20,
        .idleTimeout = 120,
        .maxBackpressure = 64 << 20,
        .open = [&](auto *socket) { if (options.broadcast) socket->subscribe("all"); },
        .message = [&](auto *socket, std::string_view message, uWS::OpCode opcode) {
            if (options.broadcast) app.publish("all", message, opcode);
            else socket->send(message, opcode);
        },
    });
    app.listen("127.0.0.1", options.port, [](auto *listener) { if (!listener) exit(1); });
    app.run();
}
