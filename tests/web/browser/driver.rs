//! A Chromium of the test's own, driven through its WebDriver: a profile in a
//! temporary folder, gone with all its processes when the test ends, also by panic.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use fantoccini::actions::{InputSource as _, MouseActions, PointerAction};
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper::Method;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Map, Value, json};
use tokio::runtime::{Builder, Runtime};
use url::{ParseError, Url};

use crate::support::{shielded, skipped, wait_for};

/// A browser with one window.
pub struct Browser {
    runtime: Runtime,
    client: Option<Client>,
    driver: Child,
    name: &'static str,
    folder: tempfile::TempDir,
}

/// A command of Chromium's driver that WebDriver does not have.
#[derive(Debug)]
struct Own(&'static str, Value);

impl WebDriverCompatibleCommand for Own {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!(
            "session/{}/{}",
            session.unwrap_or_default(),
            self.0
        ))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.1.to_string()))
    }
}

/// Where a program is, of the first of these names that there is.
fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut all = names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    all.find(|file| file.is_file())
}

impl Browser {
    /// A window of `columns` × `rows` pixels. Where there is no Chromium or no driver
    /// of it, says so and gives `None`; in CI that is a failure.
    pub fn start(name: &'static str, size: (u32, u32)) -> Option<Browser> {
        let chromium = find(&["chromium", "chromium-browser", "google-chrome"]);
        let (Some(chromium), Some(driver)) = (chromium, find(&["chromedriver"])) else {
            assert!(
                std::env::var_os("CI").is_none(),
                "chromium or chromedriver is missing: .ci/deps installs them"
            );
            skipped("chromium and chromedriver", name);
            return None;
        };
        let folder = tempfile::Builder::new()
            .prefix("tvmux-test-")
            .tempdir()
            .unwrap();
        let mut command = shielded(driver);
        command
            .arg("--port=0")
            .env("HOME", folder.path())
            .env("TMPDIR", folder.path())
            .env("XDG_RUNTIME_DIR", folder.path())
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        // SAFETY: prctl may be called between fork and exec.
        unsafe {
            command.pre_exec(|| Ok(nix::sys::prctl::set_pdeathsig(Signal::SIGTERM)?));
        }
        let mut driver = command.spawn().unwrap();
        let port = port_of(&mut driver);
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let mut browser = Browser {
            runtime,
            client: None,
            driver,
            name,
            folder,
        };
        let capabilities = browser.capabilities(&chromium, size);
        let address = format!("http://127.0.0.1:{port}");
        let connect = async {
            let http = hyper_util::client::legacy::connect::HttpConnector::new();
            ClientBuilder::new(http)
                .capabilities(capabilities)
                .connect(&address)
                .await
        };
        browser.client = Some(browser.runtime.block_on(connect).unwrap());
        let timeouts = fantoccini::wd::TimeoutConfiguration::new(
            Some(Duration::from_secs(60)),
            Some(Duration::from_secs(60)),
            Some(Duration::ZERO),
        );
        let client = browser.client();
        browser
            .runtime
            .block_on(client.update_timeouts(timeouts))
            .unwrap();
        Some(browser)
    }

    fn capabilities(&self, chromium: &Path, (width, height): (u32, u32)) -> Map<String, Value> {
        let profile = self.folder.path().join("profile");
        let mut arguments = vec![
            "--headless=new".to_owned(),
            // Its shared memory may be too small in containers.
            "--disable-dev-shm-usage".to_owned(),
            "--disable-gpu".to_owned(),
            "--no-first-run".to_owned(),
            "--hide-scrollbars".to_owned(),
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", profile.display()),
        ];
        if nix::unistd::getuid().is_root() {
            arguments.push("--no-sandbox".to_owned());
        }
        let all = json!({
            "browserName": "chrome",
            "goog:chromeOptions": {"binary": chromium, "args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        });
        all.as_object().cloned().unwrap()
    }

    fn client(&self) -> &Client {
        self.client.as_ref().unwrap()
    }

    fn own(&self, path: &'static str, body: Value) -> Value {
        let sent = self.client().issue_cmd(Own(path, body));
        self.runtime.block_on(sent).unwrap()
    }

    /// A command of the developer tools' protocol.
    pub fn tools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.own("goog/cdp/execute", body)
    }

    pub fn go(&self, address: &str) {
        let client = self.client();
        self.runtime.block_on(client.goto(address)).unwrap();
    }

    /// The value of a script's `return`.
    pub fn run(&self, script: &str) -> Value {
        let ran = self.client().execute(script, Vec::new());
        self.runtime.block_on(ran).unwrap()
    }

    /// The value of a promise.
    pub fn promised(&self, expression: &str) -> Value {
        let script = format!("({expression}).then(arguments[0], String)");
        let ran = self.client().execute_async(&script, Vec::new());
        self.runtime.block_on(ran).unwrap()
    }

    /// Waits until a script returns something true; gives that.
    pub fn wait(&self, script: &str) -> Value {
        wait_for(script, || {
            let value = self.run(script);
            let is_true = !matches!(value, Value::Null | Value::Bool(false));
            is_true.then_some(value)
        })
    }

    /// Types where the focus is. Keys without a letter are WebDriver's.
    pub fn keys(&self, keys: &str) {
        let typed = async {
            let focused = self.client().active_element().await?;
            focused.send_keys(keys).await
        };
        self.runtime.block_on(typed).unwrap();
    }

    /// Clicks on an element; on its successor where the page replaces it meanwhile.
    pub fn click(&self, selector: &str) {
        wait_for(selector, || {
            let clicked = async {
                let element = self.client().find(Locator::Css(selector)).await?;
                element.click().await
            };
            match self.runtime.block_on(clicked) {
                Ok(()) => Some(()),
                Err(error) if error.is_stale_element_reference() => None,
                Err(error) => panic!("{selector}: {error}"),
            }
        });
    }

    /// Moves the mouse to a place of the window, in pixels.
    pub fn point(&self, x: f64, y: f64) {
        let mouse = MouseActions::new("mouse".to_owned()).then(PointerAction::MoveTo {
            duration: None,
            x,
            y,
        });
        let moved = self.client().perform_actions(mouse);
        self.runtime.block_on(moved).unwrap();
    }

    /// The window's size in pixels, whatever the screen is.
    pub fn resize(&self, width: u32, height: u32) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.tools("Emulation.setDeviceMetricsOverride", size);
    }

    /// What the system prefers: `dark` or `light`.
    pub fn prefer(&self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.tools("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// Takes a picture of the window into `target/web`.
    pub fn picture(&self, name: &str) {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("web");
        fs::create_dir_all(&folder).unwrap();
        let picture = self.runtime.block_on(self.client().screenshot()).unwrap();
        fs::write(folder.join(format!("{name}.png")), picture).unwrap();
    }

    /// What the console told that is an error or a warning.
    pub fn complaints(&self) -> Vec<String> {
        let entries = self.own("se/log", json!({"type": "browser"}));
        let is_bad = |entry: &&Value| entry["level"] == "SEVERE" || entry["level"] == "WARNING";
        let entries = entries.as_array().cloned().unwrap_or_default();
        let bad = entries.iter().filter(is_bad);
        bad.map(|entry| entry["message"].to_string()).collect()
    }
}

/// The port that the driver listens on, as it says it.
fn port_of(driver: &mut Child) -> u16 {
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = lines.find_map(|line| {
        let line = line.ok()?;
        let port = line.rsplit_once("on port ")?.1.trim_end_matches('.');
        line.contains("started successfully")
            .then(|| port.parse().ok())
            .flatten()
    });
    // It ends by SIGPIPE where nobody reads what it says.
    std::thread::spawn(move || lines.for_each(drop));
    port.expect("chromedriver says its port")
}

/// A process and all that it has started, the youngest first.
fn family(pid: i32) -> Vec<i32> {
    let mut all = vec![pid];
    let mut at = 0;
    while let Some(parent) = all.get(at).copied() {
        at += 1;
        let tasks = fs::read_dir(format!("/proc/{parent}/task"));
        for task in tasks.into_iter().flatten().flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            let children = children.split_whitespace();
            all.extend(children.filter_map(|child| child.parse::<i32>().ok()));
        }
    }
    all.reverse();
    all
}

impl Drop for Browser {
    fn drop(&mut self) {
        if std::thread::panicking() && self.client.is_some() {
            let shot = self.runtime.block_on(self.client().screenshot());
            let name = format!("failed-{}", self.name);
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("web");
            let _ = fs::create_dir_all(&folder);
            if let Ok(picture) = shot {
                let _ = fs::write(folder.join(format!("{name}.png")), picture);
            }
        }
        for pid in family(self.driver.id() as i32) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        let _ = self.driver.wait();
    }
}
