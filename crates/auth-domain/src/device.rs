//! A short name for the device of a session, so that its owner can tell "Firefox on Windows" from "curl".
//!
//! The client may send any `User-Agent` header, so the name is a hint, and nothing is decided from it. Every header has a name.
//! It is short and of printable ASCII only, so that it can't reverse or break the text around it.

/// Characters of the header that are looked at.
const LOOKED_AT: usize = 512;
/// Characters of a product name that are kept; with the longest platform name this stays below 60.
const PRODUCT: usize = 36;

/// Names the device that sent this `User-Agent`, in at most 60 characters.
///
/// ```
/// use auth_domain::device::device_name;
///
/// assert_eq!(device_name("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"), "Firefox on Linux");
/// assert_eq!(device_name("curl/8.14.1"), "curl");
/// assert_eq!(device_name(""), "Unknown device");
/// ```
#[must_use]
pub fn device_name(user_agent: &str) -> String {
    let agent: String = user_agent.chars().take(LOOKED_AT).collect();
    let (client, platform) = recognised(&agent);
    let client = client.map(str::to_owned).or_else(|| {
        // A browser's first product is no name: every one calls itself Mozilla.
        (!is_browser(&agent)).then(|| product(&agent)).flatten()
    });
    let named = named(client.as_deref(), platform);
    named.unwrap_or_else(|| "Unknown device".to_owned())
}

/// Names the device by known names alone, for places that must show nothing that the client chose. `None` for an unknown client.
///
/// ```
/// use auth_domain::device::recognised_device_name;
///
/// let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
/// assert_eq!(recognised_device_name(firefox).as_deref(), Some("Firefox on Linux"));
/// assert_eq!(recognised_device_name("Call-555-1234/1.0"), None);
/// ```
#[must_use]
pub fn recognised_device_name(user_agent: &str) -> Option<String> {
    let agent: String = user_agent.chars().take(LOOKED_AT).collect();
    let (client, platform) = recognised(&agent);
    named(client, platform)
}

/// The client and the platform, by names of the lists below.
fn recognised(agent: &str) -> (Option<&'static str>, Option<&'static str>) {
    let platform = first_named(&PLATFORMS, agent);
    let client = if is_browser(agent) {
        first_named(&BROWSERS, agent).or_else(|| platform.map(|_| "Browser"))
    } else {
        first_named(&TOOLS, agent)
    };
    (client, platform)
}

fn is_browser(agent: &str) -> bool {
    agent.trim_start().starts_with("Mozilla/")
}

fn named(client: Option<&str>, platform: Option<&str>) -> Option<String> {
    match (client, platform) {
        (Some(client), Some(platform)) => Some(format!("{client} on {platform}")),
        (one, other) => one.or(other).map(str::to_owned),
    }
}

/// What the header says, and what to call it; the first that fits counts, so the more special ones come first.
type Names<const N: usize> = [(&'static str, &'static str); N];

const BROWSERS: Names<30> = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edge/", "Edge"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera"),
    ("OPX/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("Ddg/", "DuckDuckGo"),
    ("UCBrowser/", "UC Browser"),
    ("Brave/", "Brave"),
    ("SeaMonkey/", "SeaMonkey"),
    ("Thunderbird/", "Thunderbird"),
    ("Focus/", "Firefox Focus"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("PowerShell/", "PowerShell"),
    ("Electron/", "Desktop app"),
    ("HeadlessChrome/", "Headless Chrome"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("MSIE ", "Internet Explorer"),
    ("Trident/", "Internet Explorer"),
    ("Googlebot", "Googlebot"),
    ("bingbot", "Bingbot"),
    ("Safari/", "Safari"),
];

const TOOLS: Names<3> = [
    ("PostmanRuntime/", "Postman"),
    ("Opera/", "Opera"),
    ("Dalvik/", "App"),
];

const PLATFORMS: Names<22> = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("iPod", "iPod"),
    ("Windows Phone", "Windows Phone"),
    ("Xbox", "Xbox"),
    ("PlayStation", "PlayStation"),
    ("Nintendo", "Nintendo"),
    ("Tizen", "Tizen"),
    ("Web0S", "webOS"),
    ("KAIOS", "KaiOS"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Mac OS X", "macOS"),
    ("macOS", "macOS"),
    ("Darwin/", "an Apple device"),
    ("FreeBSD", "FreeBSD"),
    ("OpenBSD", "OpenBSD"),
    ("NetBSD", "NetBSD"),
    ("Linux", "Linux"),
    ("X11", "Unix"),
];

fn first_named(names: &[(&'static str, &'static str)], agent: &str) -> Option<&'static str> {
    names
        .iter()
        .find(|(token, _)| agent.contains(token))
        .map(|(_, name)| *name)
}

/// The first product of the header (RFC 9110 §10.1.5), without its version: "python-requests/2.32" is "python-requests".
fn product(agent: &str) -> Option<String> {
    let token = agent
        .trim_start()
        .split(['/', ' ', '(', ';', ','])
        .next()
        .unwrap_or_default();
    let name: String = token
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "-_.+".contains(*c))
        .take(PRODUCT)
        .collect();
    name.contains(|c: char| c.is_ascii_alphabetic()).then_some(name)
}
