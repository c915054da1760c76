//! Names of devices. The rule: they are short, readable, and safe to show anywhere.

use auth_domain::device::device_name;
use proptest::prelude::*;

#[test]
fn browsers_are_named_with_their_platform() {
    let cases = [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/138.0 Mobile/15E148 Safari/604.1",
            "Chrome on iPad",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
            "Safari on macOS",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 OPR/122.0.0.0",
            "Opera on Linux",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15; SM-S931B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
            "Samsung Internet on Android",
        ),
        (
            "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
            "Chrome on ChromeOS",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
            "Internet Explorer on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
            "Browser on iPhone",
        ),
        (
            "Opera/9.80 (Windows NT 6.1) Presto/2.12.388 Version/12.18",
            "Opera on Windows",
        ),
    ];
    for (agent, name) in cases {
        assert_eq!(device_name(agent), name, "{agent}");
    }
}

#[test]
fn command_line_tools_are_named_by_their_first_product() {
    let cases = [
        ("curl/8.14.1", "curl"),
        ("curl", "curl"),
        ("Wget/1.25.0 (linux-gnu)", "Wget"),
        ("python-requests/2.32.4", "python-requests"),
        ("PostmanRuntime/7.44.0", "Postman"),
        ("okhttp/4.12.0", "okhttp"),
        ("Go-http-client/2.0", "Go-http-client"),
        ("Dalvik/2.1.0 (Linux; U; Android 15; Pixel 9)", "App on Android"),
        (
            "Notes/3.1 CFNetwork/1568.100.1 Darwin/24.0.0",
            "Notes on an Apple device",
        ),
        ("Slack/25.1 (iPhone; iOS 18.5)", "Slack on iPhone"),
    ];
    for (agent, name) in cases {
        assert_eq!(device_name(agent), name, "{agent}");
    }
}

#[test]
fn a_user_agent_without_information_is_an_unknown_device() {
    for agent in [
        "",
        "   ",
        "Mozilla/5.0",
        "/",
        "12345/6",
        "(;;)",
        "\u{202E}\u{200B}",
        "日本語",
    ] {
        assert_eq!(device_name(agent), "Unknown device", "{agent:?}");
    }
    assert_eq!(device_name("(Windows NT 10.0)"), "Windows");
}

#[test]
fn markup_and_control_and_bidirectional_characters_are_dropped() {
    assert_eq!(device_name("<script>alert(1)</script>"), "scriptalert");
    assert_eq!(device_name("cu\u{202E}rl\u{1B}[31m\r\n/8"), "curl31m");
}

#[test]
fn the_longest_name_has_60_characters_at_most() {
    let longest = device_name(&format!("{}/1 Darwin/24", "x".repeat(400)));
    assert_eq!(longest, format!("{} on an Apple device", "x".repeat(36)));
    assert!(longest.len() <= 60);
}

#[test]
fn only_the_first_512_characters_are_read() {
    let agent = |filler: usize| format!("Mozilla/5.0 {} Firefox/140.0", "x".repeat(filler));
    assert_eq!(device_name(&agent(400)), "Firefox");
    assert_eq!(device_name(&agent(600)), "Unknown device");
}

proptest! {
    #[test]
    fn naming_is_total_short_and_printable(agent in any::<String>()) {
        let name = device_name(&agent);
        prop_assert!(!name.is_empty() && name.len() <= 60);
        prop_assert!(name.bytes().all(|byte| byte == b' ' || byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte)));
    }
}
