// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that building Stargate never builds it. `Benchmarks/micro.sh` builds it
// with the internals of the engine open to it, and counts its instructions.
let package = Package(
    name: "micro",
    dependencies: [.package(name: "stargate", path: "../..")],
    targets: [
        .executableTarget(
            name: "micro",
            dependencies: [.product(name: "StargateCore", package: "stargate")]
        )
    ]
)
