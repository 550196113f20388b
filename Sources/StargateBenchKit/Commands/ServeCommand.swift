enum ServeCommand { static let readyPrefix = "listening on " }
