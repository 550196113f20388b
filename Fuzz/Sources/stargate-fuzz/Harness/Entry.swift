// Where libFuzzer comes in. The program has libFuzzer's own `main`; the environment variable
// FUZZ_TARGET says which of the targets runs.

import Glibc

/// The target of this process. Written once, before the first run.
nonisolated(unsafe) private var chosen: FuzzTarget?

/// Chooses the target. Called once, before the first run.
@_cdecl("LLVMFuzzerInitialize")
public func initializeFuzzer(
    _ argumentCount: UnsafeMutablePointer<CInt>?,
    _ arguments: UnsafeMutableRawPointer?
) -> CInt {
    let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
    if name == "list" {
        for target in FuzzTarget.all { print(target.name, target.inputByteCountMax) }
        exit(0)
    }
    guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
        let names = FuzzTarget.all.map(\.name).joined(separator: " ")
        fatalError("FUZZ_TARGET is \"\(name)\"; it must be one of: \(names)")
    }
    chosen = target
    return 0
}

/// Runs one input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ byteCount: Int) -> CInt {
    chosen?.run(FuzzInput(UnsafeRawBufferPointer(start: start, count: byteCount)))
    return 0
}
