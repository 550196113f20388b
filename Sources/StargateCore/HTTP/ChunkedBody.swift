// The chunked coding: the one way to send a body whose length is not known before. Bytes in, values
// out. Proxies that read it differently from the server behind them are how requests are smuggled,
// so whatever RFC 9112 section 7.1 does not allow is refused, and line ends are CR LF.

/// What is wrong with the body of a request.
enum BodyFault: Equatable, Sendable {
    /// The coding is broken: 400.
    case malformed
    /// It is longer than the server takes: 413.
    case tooLarge
}

/// What a body is after some more bytes.
enum BodyProgress: Equatable {
    /// All bytes were used up, and more are needed.
    case incomplete
    /// It is whole; so many of the bytes belonged to it.
    case complete(used: Int)
    case failed(BodyFault)
}

/// Undoes the chunked coding, however the bytes are cut. RFC 9112 section 7.1.
///
/// Chunk extensions and trailer fields are passed over: nobody has a use for them here, and a
/// trailer must not be taken for a header field.
struct ChunkedBody {
    /// What size lines, extensions and trailers may have in bytes beside one byte for each byte of
    /// the body; as much as a head.
    static let overheadMax = 16_384
    /// More digits than any length needs; leading zeros are allowed, but not without end.
    private static let sizeDigitCountMax = 16

    private enum State {
        case size(Int, digitCount: Int)
        case chunkExtension(size: Int)
        case sizeLineFeed(size: Int)
        case data(remaining: Int)
        case dataReturn
        case dataLineFeed
        case trailerStart
        case trailer
        case trailerLineFeed
        case lastLineFeed
    }

    private var state = State.size(0, digitCount: 0)
    /// The bytes so far that were extensions or trailers.
    private var overhead = 0

    /// Takes in bytes and appends to `body` what they stand for.
    ///
    /// - Parameters:
    ///   - bytes: what arrived.
    ///   - limit: the most bytes that `body` may have.
    ///   - body: what came before.
    /// - Returns: how things stand now.
    mutating func receive(
        _ bytes: UnsafeRawBufferPointer,
        limit: Int,
        into body: inout [UInt8]
    ) -> BodyProgress {
        var index = 0
        while index < bytes.count {
            if case .data(let remaining) = state {
                let end = index &+ min(remaining, bytes.count &- index)
                unsafe body.append(contentsOf: bytes[index..<end])
                let left = remaining &- (end &- index)
                state = left == 0 ? .dataReturn : .data(remaining: left)
                index = end
                continue
            }
            if case .lastLineFeed = state {
                guard unsafe bytes[index] == HeadByte.lineFeed else { return .failed(.malformed) }
                return .complete(used: index &+ 1)
            }
            let fault = unsafe receiveControl(bytes[index], limit: limit &- body.count)
            if let fault { return .failed(fault) }
            index &+= 1
        }
        return .incomplete
    }

    /// Takes in a byte that is not data.
    private mutating func receiveControl(_ byte: UInt8, limit: Int) -> BodyFault? {
        switch state {
        case .size(let size, let digitCount):
            return receiveSize(byte, size, digitCount, limit: limit)
        case .chunkExtension(let size):
            if byte == HeadByte.carriageReturn {
                state = .sizeLineFeed(size: size)
                return nil
            }
            return passOver(byte)
        case .sizeLineFeed(let size):
            guard byte == HeadByte.lineFeed else { return .malformed }
            state = size == 0 ? .trailerStart : .data(remaining: size)
        case .dataReturn:
            guard byte == HeadByte.carriageReturn else { return .malformed }
            state = .dataLineFeed
        case .dataLineFeed:
            guard byte == HeadByte.lineFeed else { return .malformed }
            state = .size(0, digitCount: 0)
        case .trailerStart, .trailer, .trailerLineFeed: return receiveTrailer(byte)
        case .data, .lastLineFeed: return .malformed
        }
        return nil
    }

    /// A size is judged digit by digit: one that is too large fails before anything is kept for it.
    private mutating func receiveSize(
        _ byte: UInt8,
        _ size: Int,
        _ digitCount: Int,
        limit: Int
    ) -> BodyFault? {
        if let digit = HeadByte.hexValue(byte) {
            guard digitCount < Self.sizeDigitCountMax else { return .malformed }
            let (shifted, overflowed) = size.multipliedReportingOverflow(by: 16)
            let (sum, exceeded) = shifted.addingReportingOverflow(Int(digit))
            guard !overflowed, !exceeded, sum <= limit else { return .tooLarge }
            state = .size(sum, digitCount: digitCount &+ 1)
            return nil
        }
        guard digitCount > 0 else { return .malformed }
        switch byte {
        case HeadByte.carriageReturn: state = .sizeLineFeed(size: size)
        case UInt8(ascii: ";"): state = .chunkExtension(size: size)
        default: return .malformed
        }
        return nil
    }

    private mutating func receiveTrailer(_ byte: UInt8) -> BodyFault? {
        switch state {
        case .trailerStart where byte == HeadByte.carriageReturn:
            state = .lastLineFeed
        case .trailerStart:
            guard HeadByte.isToken(byte) else { return .malformed }
            state = .trailer
            return passOver(byte)
        case .trailer where byte == HeadByte.carriageReturn:
            state = .trailerLineFeed
        case .trailer:
            return passOver(byte)
        default:
            guard byte == HeadByte.lineFeed else { return .malformed }
            state = .trailerStart
        }
        return nil
    }

    /// Forgets a byte of an extension or a trailer, but not how many there were.
    private mutating func passOver(_ byte: UInt8) -> BodyFault? {
        guard byte >= HeadByte.blank && byte != 0x7F || byte == HeadByte.tab else {
            return .malformed
        }
        overhead &+= 1
        return overhead > Self.overheadMax ? .malformed : nil
    }
}
