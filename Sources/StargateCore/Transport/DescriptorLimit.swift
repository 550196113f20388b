internal import Glibc

/// How many descriptors the process may have open.
enum DescriptorLimit {
    /// The limit that holds at this moment (`ulimit -n`), which others may change; the largest number
    /// if there is none.
    static var current: Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return .max
        }
        return Int(clamping: limit.rlim_cur)
    }
}
