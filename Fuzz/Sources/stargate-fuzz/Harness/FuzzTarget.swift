/// One thing that is fuzzed.
struct FuzzTarget: Sendable {
    let name: String
    /// Longer inputs show nothing that shorter ones do not, and take longer.
    let inputByteCountMax: Int
    /// Runs one input. Ends the process when something is wrong.
    let run: @Sendable (consuming FuzzInput) -> Void

    static let all: [FuzzTarget] = [
        FuzzTarget(name: "request-head", inputByteCountMax: 768, run: fuzzRequestHead),
        FuzzTarget(name: "response-head", inputByteCountMax: 768, run: fuzzResponseHead),
        FuzzTarget(name: "handshake", inputByteCountMax: 1024, run: fuzzHandshake),
        FuzzTarget(name: "frames", inputByteCountMax: 512, run: fuzzFrames),
        FuzzTarget(name: "hixie-frames", inputByteCountMax: 512, run: fuzzHixieFrames),
        FuzzTarget(name: "messages", inputByteCountMax: 512, run: fuzzMessages),
        FuzzTarget(name: "utf8", inputByteCountMax: 256, run: fuzzUTF8),
        FuzzTarget(name: "masking", inputByteCountMax: 256, run: fuzzMasking),
        FuzzTarget(name: "extensions", inputByteCountMax: 512, run: fuzzExtensions),
        FuzzTarget(name: "inflate", inputByteCountMax: 512, run: fuzzInflate),
        FuzzTarget(name: "deflate", inputByteCountMax: 1024, run: fuzzDeflate),
        FuzzTarget(name: "body", inputByteCountMax: 512, run: fuzzBody),
        FuzzTarget(name: "topics", inputByteCountMax: 256, run: fuzzTopics),
        FuzzTarget(name: "proxy-header", inputByteCountMax: 512, run: fuzzProxyHeader),
        FuzzTarget(name: "connection", inputByteCountMax: 1024, run: fuzzConnection),
        FuzzTarget(name: "url", inputByteCountMax: 256, run: fuzzURL),
    ]
}
