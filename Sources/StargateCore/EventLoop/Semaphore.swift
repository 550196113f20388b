internal import CUV

/// Lets one thread wait for another.
@safe
final class Semaphore: @unchecked Sendable {
    private let semaphore = UnsafeMutablePointer<uv_sem_t>.allocate(capacity: 1)

    init() { unsafe uv_sem_init(semaphore, 0) }

    func signal() { unsafe uv_sem_post(semaphore) }

    func wait() { unsafe uv_sem_wait(semaphore) }

    deinit {
        unsafe uv_sem_destroy(semaphore)
        unsafe semaphore.deallocate()
    }
}
