// The few things that every page needs.

/// Text for HTML.
enum HTMLText {
    /// With the characters that mean something to HTML replaced.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.append(character)
            }
        }
        return escaped
    }

    /// A complete page that needs nothing from anywhere.
    static func page(title: String, body: String) -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>\(escaped(title))</title>
        <style>\(style)</style>
        </head>
        <body>
        <main>
        \(body)
        </main>
        </body>
        </html>

        """
    }

    /// Rows of names and values.
    static func definitions(_ pairs: [(String, String)]) -> String {
        let rows = pairs.map { "<dt>\(escaped($0.0))</dt><dd>\(escaped($0.1))</dd>" }
        return "<dl>\(rows.joined())</dl>"
    }

    /// A table whose first column is text and whose others are figures.
    static func table(head: [String], rows: [[String]]) -> String {
        func line(_ cells: [String], _ tag: String) -> String {
            "<tr>\(cells.map { "<\(tag)>\(escaped($0))</\(tag)>" }.joined())</tr>"
        }
        let body = rows.map { line($0, "td") }.joined(separator: "\n")
        return """
            <div class="scroll"><table><thead>\(line(head, "th"))</thead><tbody>
            \(body)
            </tbody></table></div>
            """
    }

    private static let style = """

        :root { --ink: #16202b; --soft: #5b6875; --line: #d9dfe5; --paper: #ffffff; --panel: #f5f7f9;
          --first: #1f6feb; --second: #c2570c; --good: #1a7f37; --bad: #cf222e; --warn: #9a6700;
          --faint: #a9b5c0; }
        @media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #93a1ae;
          --line: #2e3842; --paper: #0f151b; --panel: #171f27; --first: #58a6ff; --second: #f0883e;
          --good: #3fb950; --bad: #ff7b72; --warn: #d29922;
          --faint: #55626e; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--paper); color: var(--ink);
          font: 15px/1.5 system-ui, sans-serif; }
        main { max-width: 960px; margin: 0 auto; padding: 32px 20px 64px; }
        h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 17px; margin: 36px 0 10px; }
        p.sub { color: var(--soft); margin: 0 0 20px; overflow-wrap: anywhere; }
        .verdict { border-left: 5px solid var(--good); background: var(--panel);
          padding: 12px 16px; font-size: 17px; border-radius: 0 6px 6px 0; }
        .verdict.bad { border-color: var(--bad); } .verdict.warn { border-color: var(--warn); }
        .cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr));
          gap: 12px; margin: 20px 0; }
        .card { background: var(--panel); border-radius: 6px; padding: 10px 14px; }
        .card b { display: block; font-size: 21px; font-variant-numeric: tabular-nums; }
        .card span { color: var(--soft); font-size: 13px; }
        svg { width: 100%; height: auto; display: block; }
        svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
        svg .axis { stroke: var(--line); stroke-width: 1; fill: none; }
        svg .first { stroke: var(--first); } svg .second { stroke: var(--second); }
        svg .curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
        svg .bar { fill: var(--first); } svg .bar.other { fill: var(--second); }
        svg .title, svg .subject-name { fill: var(--ink); font-weight: 600; }
        svg .one, svg .whisker { stroke: var(--soft); }
        svg .base { fill: var(--ink); stroke: var(--ink); }
        svg .subject { fill: var(--first); stroke: var(--first); }
        svg .other { fill: var(--faint); stroke: var(--faint); } svg .stem { stroke-width: 3; }
        td.less { color: var(--good); font-weight: 600; } td.more { color: var(--bad); }
        a { color: inherit; } summary { color: var(--soft); cursor: pointer; font-size: 13px; }
        .key { font-size: 13px; color: var(--soft); margin: 6px 0 0; }
        .key i { display: inline-block; width: 12px; height: 3px; vertical-align: middle;
          margin: 0 6px 0 14px; background: var(--first); } .key i.second { background: var(--second); }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
        th, td { text-align: right; padding: 5px 10px; border-bottom: 1px solid var(--line);
          white-space: nowrap; }
        th { color: var(--soft); font-weight: 500; }
        th:first-child, td:first-child { text-align: left; white-space: normal; }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; margin: 0; }
        dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
        @media print { main { max-width: none; padding: 0; } h2 { break-after: avoid; }
          svg, table, .verdict { break-inside: avoid; } }

        """
}
