import Testing

@testable import StargateCore

@Suite("Cookies that are set")
struct SetCookieTests {
    @Test("have safe attributes unless told otherwise")
    func defaults() {
        #expect(SetCookie("a", "b").fieldValue == "a=b; Path=/; HttpOnly; SameSite=Lax")
        let bare = SetCookie("a", "", path: nil, isHTTPOnly: false, sameSite: nil)
        #expect(bare.fieldValue == "a=")
    }

    @Test("name their attributes in order")
    func attributes() {
        let cookie = SetCookie(
            "id",
            "1",
            path: "/chat",
            domain: "example.com",
            maxAge: .milliseconds(90_500),
            isSecure: true,
            isHTTPOnly: true,
            sameSite: SetCookie.SameSite.none
        )
        #expect(
            cookie.fieldValue
                == "id=1; Path=/chat; Domain=example.com; Max-Age=90; Secure; HttpOnly; SameSite=None"
        )
        #expect(
            SetCookie.removing("id").fieldValue
                == "id=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
        )
        #expect(SetCookie("a", "b", maxAge: .seconds(-5)).fieldValue?.contains("Max-Age=0") == true)
    }

    static let values = [
        "plain", "a b", "a;b", "a,b", "\"q\"", "back\\slash", "100%", "%41", "line\r\nend: x", "é",
        "\u{0}\u{7F}", "=&+!#$'()*-./:<=>?@[]^_`{|}~", "",
    ]

    @Test("hold any value, which comes back as it was", arguments: values)
    func anyValue(_ value: String) throws {
        let cookie = SetCookie("c", value, path: nil, isHTTPOnly: false, sameSite: nil)
        let field = try #require(cookie.fieldValue)
        #expect(field.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ";") })
        #expect(ResponseEncoder.isValue(field))
        let request = try RequestTests.request("/", ["Cookie: x=1; \(field)"])
        #expect(request.cookies.decoded("c") == value)
        #expect(request.cookies.decoded("none") == nil)
    }

    @Test("cannot be sent with a name or an attribute that would end the line")
    func refused() {
        #expect(SetCookie("", "b").fieldValue == nil)
        #expect(SetCookie("a b", "c").fieldValue == nil)
        #expect(SetCookie("a=b", "c").fieldValue == nil)
        #expect(SetCookie("a", "b", path: "/; Secure").fieldValue == nil)
        #expect(SetCookie("a", "b", path: "/\r\nX: y").fieldValue == nil)
        #expect(SetCookie("a", "b", domain: "é").fieldValue == nil)
        let response = Response.text("x").setting(SetCookie("a b", "c"))
        #expect(response.headers.count == 1)
        #expect(Response.text("x").setting(SetCookie("a", "c")).headers.last?.name == "Set-Cookie")
    }
}
