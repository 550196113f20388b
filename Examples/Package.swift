// swift-tools-version: 6.2
import PackageDescription

// A package of its own, as a user's would be: what it needs has to be public in the library.
let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let package = Package(
    name: "StargateExamples",
    dependencies: [
        .package(name: "stargate", path: "../")
    ],
    targets: [
        .executableTarget(
            name: "demo",
            dependencies: [.product(name: "StargateCore", package: "stargate")],
            resources: [.embedInCode("Resources/page.html")],
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "echo-client",
            dependencies: [.product(name: "StargateCore", package: "stargate")],
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "jobs",
            dependencies: [.product(name: "StargateCore", package: "stargate")],
            resources: [.embedInCode("Resources/jobs.html")],
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "rooms",
            dependencies: [.product(name: "StargateCore", package: "stargate")],
            resources: [.embedInCode("Resources/rooms.html")],
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "ticker",
            dependencies: [.product(name: "StargateCore", package: "stargate")],
            resources: [.embedInCode("Resources/ticker.html")],
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "auth",
            dependencies: [.product(name: "StargateCore", package: "stargate")],
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "echo",
            dependencies: [.product(name: "StargateCore", package: "stargate")],
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "worker",
            dependencies: [.product(name: "StargateCore", package: "stargate")],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "RoomsTests",
            dependencies: [
                "rooms",
                .product(name: "StargateCore", package: "stargate"),
                .product(name: "StargateTesting", package: "stargate"),
            ],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "WorkerTests",
            dependencies: [
                "worker",
                .product(name: "StargateCore", package: "stargate"),
                .product(name: "StargateTesting", package: "stargate"),
            ],
            swiftSettings: swiftSettings
        ),
    ]
)
