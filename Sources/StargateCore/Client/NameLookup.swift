internal import CUV

/// Looks up the address of a host, without blocking the loop.
enum NameLookup {
    private final class Query {
        let port: UInt16
        let completion: ([SocketAddress]) -> Void

        init(port: UInt16, completion: @escaping ([SocketAddress]) -> Void) {
            self.port = port
            self.completion = completion
        }
    }

    /// Calls back on the loop with the addresses in the order in which they are to be tried.
    static func start(
        _ host: String,
        port: UInt16,
        on eventLoop: EventLoop,
        _ completion: @escaping ([SocketAddress]) -> Void
    ) {
        guard let loop = unsafe eventLoop.uv else {
            // Without a network every name is this machine's.
            return completion(SocketAddress(host: "127.0.0.1", port: Int(port)).map { [$0] } ?? [])
        }
        let request = UnsafeMutablePointer<uv_getaddrinfo_t>.allocate(capacity: 1)
        let query = Query(port: port, completion: completion)
        unsafe request.pointee.data = unsafe Unmanaged.passRetained(query).toOpaque()
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        let status = unsafe uv_getaddrinfo(
            loop,
            request,
            { request, status, found in
                guard let request = unsafe request, let data = unsafe request.pointee.data else {
                    return
                }
                let query = unsafe Unmanaged<Query>.fromOpaque(data).takeRetainedValue()
                var addresses: [SocketAddress] = []
                var next = unsafe status == 0 ? found : nil
                while let entry = unsafe next {
                    if let address = unsafe SocketAddress(entry.pointee, port: Int(query.port)) {
                        addresses.append(address)
                    }
                    unsafe next = entry.pointee.ai_next
                }
                unsafe uv_freeaddrinfo(found)
                unsafe request.deallocate()
                query.completion(addresses)
            },
            host,
            nil,
            &hints
        )
        guard status != 0 else { return }
        if let data = unsafe request.pointee.data {
            unsafe Unmanaged<Query>.fromOpaque(data).release()
        }
        unsafe request.deallocate()
        completion([])
    }
}
