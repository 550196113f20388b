// The one kind of lock that there is here. It is the standard library's, but for a build in which the
// thread sanitizer looks on: that lock is a futex inside the standard library, of which the sanitizer
// knows nothing, so that everything behind it would look like a race. See Scripts/sanitize.sh.

#if THREAD_SANITIZER

internal import Glibc

/// A lock with the value that it guards.
@safe
package struct Lock<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let value: UnsafeMutablePointer<Value>

    package init(_ initialValue: consuming sending Value) {
        unsafe mutex = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe value = .allocate(capacity: 1)
        unsafe value.initialize(to: initialValue)
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
        unsafe value.deinitialize(count: 1)
        unsafe value.deallocate()
    }

    /// Runs `body` while nobody else does.
    package borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try unsafe body(&value.pointee)
    }
}

#else

package import Synchronization

/// A lock with the value that it guards.
package typealias Lock<Value: ~Copyable> = Mutex<Value>

#endif
