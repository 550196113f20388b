// swift-tools-version: 6.2
import PackageDescription

/// One list for every Swift target. Each line names the proposal that explains it.
let swiftSettings: [SwiftSetting] = [
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0335-existential-any.md
    .enableUpcomingFeature("ExistentialAny"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0409-access-level-on-imports.md
    .enableUpcomingFeature("InternalImportsByDefault"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0444-member-import-visibility.md
    .enableUpcomingFeature("MemberImportVisibility"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0461-async-function-isolation.md
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// The engine also marks every use of a pointer: what is not marked is checked by the compiler.
/// https://github.com/swiftlang/swift-evolution/blob/main/proposals/0458-strict-memory-safety.md
let engineSettings = swiftSettings + [.strictMemorySafety()]

let package = Package(
    name: "stargate",
    products: [
        .library(name: "StargateCore", targets: ["StargateCore"]),
        .library(name: "StargateTesting", targets: ["StargateTesting"]),
        .executable(name: "stargate-bench", targets: ["stargate-bench"]),
    ],
    dependencies: [
        // Only the load tester needs packages; the engine has none.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CUV",
            pkgConfig: "libuv",
            providers: [.apt(["libuv1-dev"]), .brew(["libuv"])]
        ),
        .systemLibrary(
            name: "COpenSSL",
            pkgConfig: "openssl",
            providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]
        ),
        .systemLibrary(
            name: "CZlib",
            pkgConfig: "zlib",
            providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]
        ),
        .systemLibrary(
            name: "CDeflate",
            pkgConfig: "libdeflate",
            providers: [.apt(["libdeflate-dev"]), .brew(["libdeflate"])]
        ),
        // One header of our own: instructions that Swift has no words for. Nothing to link.
        .systemLibrary(name: "CVector"),
        // The same for the load tester: what the allocator says about itself.
        .systemLibrary(name: "CMalloc"),
        .target(
            name: "StargateCore",
            dependencies: ["CUV", "COpenSSL", "CZlib", "CDeflate", "CVector"],
            swiftSettings: engineSettings
        ),
        .target(
            name: "StargateTesting",
            dependencies: ["StargateCore"],
            swiftSettings: engineSettings
        ),
        .executableTarget(
            name: "stargate-bench",
            dependencies: ["StargateBenchKit"],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "StargateBenchKit",
            dependencies: [
                "StargateCore", "CMalloc",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "StargateBenchTests",
            dependencies: [
                "StargateBenchKit", "stargate-bench", "StargateCore",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            exclude: ["EndToEnd/Peers"],
            swiftSettings: swiftSettings
        ),
        // Runs the engine in a simulated network, as many seeds as one likes.
        .executableTarget(
            name: "simulate",
            dependencies: ["StargateTesting", "StargateCore"],
            path: "Tests/Simulation",
            swiftSettings: engineSettings
        ),
        // Proves the fan-out to ten thousand subscribers, which are in processes of their own.
        .executableTarget(
            name: "fan-out",
            dependencies: ["StargateCore"],
            path: "Tests/FanOut",
            swiftSettings: swiftSettings
        ),
        // Counts allocations and system calls per thread, for the tests of budgets.
        .target(name: "CTestSupport", path: "Tests/Support/CTestSupport"),
        .testTarget(
            name: "StargateTestingTests",
            dependencies: ["StargateTesting", "StargateCore"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "StargateCoreTests",
            dependencies: ["StargateCore", "CVector", "COpenSSL", "CZlib", "CTestSupport"],
            swiftSettings: swiftSettings
        ),
    ]
)
