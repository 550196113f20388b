// websocketpp over Boost.Asio: no locks, no logging, a large read buffer; the received message
// object is sent back as it is.
#include <set>
#include <websocketpp/config/asio_no_tls.hpp>
#include <websocketpp/concurrency/none.hpp>
#include <websocketpp/server.hpp>
#include <websocketpp/logger/stub.hpp>

#include "options.h"

struct config : websocketpp::config::asio {
    typedef config type;
    typedef websocketpp::config::asio base;
    typedef websocketpp::concurrency::none concurrency_type;
    typedef websocketpp::log::stub elog_type;
    typedef websocketpp::log::stub alog_type;
    typedef base::request_type request_type;
    typedef base::response_type response_type;
    typedef base::message_type message_type;
    typedef base::con_msg_manager_type con_msg_manager_type;
    typedef base::endpoint_msg_manager_type endpoint_msg_manager_type;
    typedef base::rng_type rng_type;
    struct transport_config : base::transport_config {
        typedef type::concurrency_type concurrency_type;
        typedef type::elog_type elog_type;
        typedef type::alog_type alog_type;
        typedef type::request_type request_type;
        typedef type::response_type response_type;
        static const bool enable_multithreading = false;
    };
    typedef websocketpp::transport::asio::endpoint<transport_config> transport_type;
    static const size_t connection_read_buffer_size = 65536;
    static const size_t max_message_size = 64 << 20;
};

using server = websocketpp::server<config>;

int main(int argc, char **argv) {
    struct options settings = parse_options(argc, argv);
    refuse(settings.certificate, "TLS in this program");
    refuse(settings.deflate, "compression that negotiates with today's clients");
    server server;
    std::set<websocketpp::connection_hdl, std::owner_less<websocketpp::connection_hdl>> everyone;
    server.init_asio();
    server.set_reuse_addr(true);
    // Only from here on there is a connection whose options could be set.
    server.set_tcp_pre_init_handler([&](websocketpp::connection_hdl one) {
        boost::system::error_code ignored;
        server.get_con_from_hdl(one)->get_raw_socket().set_option(
            boost::asio::ip::tcp::no_delay(true), ignored);
    });
    if (settings.broadcast) {
        server.set_open_handler([&](websocketpp::connection_hdl one) { everyone.insert(one); });
        server.set_close_handler([&](websocketpp::connection_hdl one) { everyone.erase(one); });
    }
    server.set_message_handler([&](websocketpp::connection_hdl from, server::message_ptr message) {
        websocketpp::lib::error_code ignored;
        if (!settings.broadcast) {
            server.send(from, message, ignored);
            return;
        }
        for (auto &one : everyone)
            server.send(one, message->get_payload(), message->get_opcode(), ignored);
    });
    server.listen(boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(),
                                                 static_cast<unsigned short>(settings.port)));
    server.start_accept();
    server.run();
}
