// Boost.Beast: one io_context without locks, one read and one write at a time for each connection,
// the received buffer sent as it is.
#define BOOST_ASIO_DISABLE_THREADS 1
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#ifdef WITH_TLS
#include <boost/asio/ssl.hpp>
#include <boost/beast/websocket/ssl.hpp>
#endif
#include <deque>
#include <memory>
#include <unordered_set>

#include "options.h"

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using tcp = asio::ip::tcp;
using boost::system::error_code;

static struct options settings;

template <class Stream>
class Session : public std::enable_shared_from_this<Session<Stream>> {
public:
    using Message = std::shared_ptr<const std::pair<bool, std::string>>;

    template <class... Arguments>
    explicit Session(Arguments &&...arguments) : stream(std::forward<Arguments>(arguments)...) {
        stream.read_message_max(64 << 20);
        stream.auto_fragment(false);
        websocket::permessage_deflate deflate;
        deflate.server_enable = settings.deflate;
        deflate.server_no_context_takeover = !settings.dedicated;
        deflate.client_no_context_takeover = !settings.dedicated;
        stream.set_option(deflate);
    }

    ~Session() { everyone.erase(this); }

    websocket::stream<Stream> stream;

    void start() {
        stream.async_accept([self = this->shared_from_this()](error_code error) {
            if (error) return;
            if (settings.broadcast) everyone.insert(self.get());
            self->read();
        });
    }

private:
    static inline std::unordered_set<Session *> everyone;
    beast::flat_buffer buffer;
    std::deque<Message> queue;  // of the broadcast alone

    void read() {
        stream.async_read(buffer, [self = this->shared_from_this()](error_code error, size_t) {
            if (error) return;
            self->received();
        });
    }

    void received() {
        if (settings.broadcast) {
            auto bytes = beast::buffers_to_string(buffer.data());
            auto message = std::make_shared<const std::pair<bool, std::string>>(
                stream.got_text(), std::move(bytes));
            for (auto *session : everyone) session->enqueue(message);
            buffer.consume(buffer.size());
            return read();
        }
        stream.text(stream.got_text());
        stream.async_write(buffer.data(), [self = this->shared_from_this()](error_code error, size_t) {
            if (error) return;
            self->buffer.consume(self->buffer.size());
            self->read();
        });
    }

    void enqueue(const Message &message) {
        queue.push_back(message);
        if (queue.size() == 1) write_next();
    }

    void write_next() {
        stream.text(queue.front()->first);
        stream.async_write(asio::buffer(queue.front()->second),
                           [self = this->shared_from_this()](error_code error, size_t) {
                               if (error) return;
                               self->queue.pop_front();
                               if (!self->queue.empty()) self->write_next();
                           });
    }
};

#ifdef WITH_TLS
static asio::ssl::context tls(asio::ssl::context::tls_server);
#endif

static void accept(tcp::acceptor &acceptor) {
    acceptor.async_accept([&acceptor](error_code error, tcp::socket socket) {
        if (!error) {
            socket.set_option(tcp::no_delay(true));
#ifdef WITH_TLS
            if (settings.certificate) {
                auto session = std::make_shared<Session<asio::ssl::stream<tcp::socket>>>(
                    std::move(socket), tls);
                session->stream.next_layer().async_handshake(
                    asio::ssl::stream_base::server, [session](error_code error) {
                        if (!error) session->start();
                    });
            } else
#endif
                std::make_shared<Session<tcp::socket>>(std::move(socket))->start();
        }
        accept(acceptor);
    });
}

int main(int argc, char **argv) {
    settings = parse_options(argc, argv);
#ifdef WITH_TLS
    if (settings.certificate) {
        tls.use_certificate_chain_file(settings.certificate);
        tls.use_private_key_file(settings.key, asio::ssl::context::pem);
    }
#else
    refuse(settings.certificate, "TLS: it was built without");
#endif
    asio::io_context context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE);
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(),
                                     static_cast<unsigned short>(settings.port)});
    accept(acceptor);
    context.run();
}
