// uWebSockets built from its own sources, over epoll: for those who have a checkout at hand. OpenSSL
// and zlib are the machine's, as they are Stargate's.
#include "App.h"
#include "options.h"

struct Nothing {};

template <class App>
static void run(App app, const struct options &options) {
    auto compression = uWS::DISABLED;
    if (options.deflate)
        compression = uWS::CompressOptions(uWS::SHARED_COMPRESSOR | uWS::SHARED_DECOMPRESSOR);
    if (options.dedicated)  // windows of 4 KiB
        compression = uWS::CompressOptions(uWS::DEDICATED_COMPRESSOR_32KB |
                                           uWS::DEDICATED_DECOMPRESSOR_4KB);
    app.template ws<Nothing>("/*", {
        .compression = compression,
        .maxPayloadLength = 64 << 20,
        .idleTimeout = 120,
        .maxBackpressure = 64 << 20,
        .open = [&](auto *socket) { if (options.broadcast) socket->subscribe("all"); },
        .message = [&](auto *socket, std::string_view message, uWS::OpCode opcode) {
            if (options.broadcast) app.publish("all", message, opcode, options.deflate);
            else socket->send(message, opcode, options.deflate);
        },
    });
    app.listen("127.0.0.1", options.port, [](auto *listener) { if (!listener) exit(1); });
    app.run();
}

int main(int argc, char **argv) {
    struct options options = parse_options(argc, argv);
    if (options.certificate)
        run(uWS::SSLApp({.key_file_name = options.key, .cert_file_name = options.certificate}), options);
    else
        run(uWS::App(), options);
}
