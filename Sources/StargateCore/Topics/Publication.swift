/// A message on its way to the subscribers of a topic: one object for all loops and connections.
final class Publication: Sendable {
    let message: PreparedMessage
    let topic: Topic
    /// What tells messages of a topic apart when only the latest of each is kept.
    let key: String?
    /// The connection that does not get it, because it published it.
    let exception: ConnectionID?

    /// What it takes of memory, with the objects themselves.
    var cost: Int { message.byteCount &+ 256 }

    init(
        _ message: PreparedMessage,
        to topic: Topic,
        key: String?,
        except exception: ConnectionID?
    ) {
        self.message = message
        self.topic = topic
        self.key = key
        self.exception = exception
    }

    /// Of publications with the same subject, a slow peer may get only the latest.
    var subject: Subject { Subject(topic: topic, key: key) }

    struct Subject: Hashable {
        let topic: Topic
        let key: String?
    }
}
