// Where publications lie that somebody has to wait for: written down once for all subscribers of a
// loop, so that what a thousand slow ones are owed is not listed a thousand times.

/// Publications that one loop delivered one after the other. On the loop's thread only.
final class PublicationPage {
    /// One bit of a queue's entry for each.
    static let countMax = UInt32.bitWidth
    /// A page lives as long as one of its publications waits, so that this much may stay for the sake
    /// of a few bytes; a single publication may be longer.
    static let byteCountMax = 32 << 10

    private(set) var publications: [Publication] = []
    private var byteCount = 0

    /// Whether a publication finds room.
    func hasRoom(for publication: Publication) -> Bool {
        publications.isEmpty
            || publications.count < Self.countMax
                && byteCount &+ publication.cost <= Self.byteCountMax
    }

    /// Writes down a publication for which there is room.
    func append(_ publication: Publication) {
        publications.append(publication)
        byteCount &+= publication.cost
    }
}

/// Where one publication lies.
struct PublicationPlace {
    let page: PublicationPage
    let index: Int

    var publication: Publication { page.publications[index] }
}

/// The publications of a run, for those who have to wait for them.
struct PlacedRun {
    struct Piece {
        let page: PublicationPage
        /// The place on the page of the first one.
        let index: Int
        /// Which publications of the run they are.
        var range: Range<Int>
    }

    private(set) var pieces: [Piece] = []

    /// - Parameters:
    ///   - deliveries: the run.
    ///   - page: the page that was written on last; goes on there if there is room.
    init(_ deliveries: ArraySlice<PublicationDelivery>, after page: PublicationPage?) {
        var page = page
        for (number, delivery) in deliveries.enumerated() {
            let publication = delivery.publication
            if let page, page.hasRoom(for: publication), let last = pieces.indices.last {
                page.append(publication)
                pieces[last].range = pieces[last].range.lowerBound..<number + 1
                continue
            }
            let next = page.flatMap { $0.hasRoom(for: publication) ? $0 : nil } ?? PublicationPage()
            pieces.append(
                Piece(page: next, index: next.publications.count, range: number..<number + 1)
            )
            next.append(publication)
            page = next
        }
    }
}
