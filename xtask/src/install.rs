//! Putting in place what the tests need, saying what it is.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{Failure, Workspace, read, say, shown, succeeds};

/// A program the tests need, how to see that it is there, and the Debian package that brings it.
struct Need {
    what: &'static str,
    probe: &'static [&'static str],
    package: &'static str,
}

const NEEDS: [Need; 5] = [
    Need { what: "a C compiler and linker", probe: &["cc", "--version"], package: "build-essential" },
    Need { what: "Python 3", probe: &["python3", "--version"], package: "python3" },
    Need {
        what: "Python's venv and ensurepip",
        probe: &["python3", "-c", "import venv, ensurepip"],
        package: "python3-venv",
    },
    Need {
        what: "Redis, for limits that gateways share",
        probe: &["redis-server", "--version"],
        package: "redis-server",
    },
    Need { what: "Node's npm", probe: &["npm", "--version"], package: "npm" },
];

/// Installs the Debian packages that are missing, as root or through sudo.
pub(crate) fn system_packages() -> Result<(), Failure> {
    let missing: Vec<&Need> = NEEDS
        .iter()
        .filter(|need| !succeeds(need.probe[0], need.probe.get(1..).unwrap_or_default()))
        .collect();
    if missing.is_empty() {
        say("  system packages: nothing to install");
        return Ok(());
    }
    for need in &missing {
        say(&format!("  {} is missing: installing the package {}", need.what, need.package));
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    shown(as_root(&["apt-get", "update"])?.env("DEBIAN_FRONTEND", "noninteractive"))?;
    let mut install = as_root(&["apt-get", "install", "--yes", "--no-install-recommends"])?;
    shown(install.env("DEBIAN_FRONTEND", "noninteractive").args(packages))
}

/// A virtual environment in the target folder holding exactly what a pinned list of the tree names.
pub(crate) fn venv(workspace: &Workspace, name: &str, list: &str) -> Result<PathBuf, Failure> {
    venv_of(workspace, name, &[list])
}

/// A virtual environment holding what several lists name together.
pub(crate) fn venv_of(workspace: &Workspace, name: &str, lists: &[&str]) -> Result<PathBuf, Failure> {
    let list = lists.join(", ");
    let folder = workspace.target.join(name);
    let texts = lists.iter().map(|list| read(&workspace.root.join(list))).collect::<Result<Vec<_>, _>>()?;
    once(&list, folder, &texts.concat(), |folder| {
        shown(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
        let mut pip = Command::new(folder.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        for list in lists {
            pip.arg("--requirement").arg(workspace.root.join(list));
        }
        shown(&mut pip)
    })
}

/// A folder of the target that holds what a pinned list of Node packages names.
pub(crate) fn node_packages(workspace: &Workspace, list: &str) -> Result<PathBuf, Failure> {
    let folder = workspace.target.join("node-clients");
    let wanted = read(&workspace.root.join(list))?;
    once(list, folder, &wanted, |folder| {
        std::fs::create_dir_all(folder)
            .map_err(|source| Failure::File { path: folder.to_owned(), source })?;
        let path = folder.join("package.json");
        std::fs::write(&path, &wanted).map_err(|source| Failure::File { path, source })?;
        let words = ["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"];
        shown(Command::new("npm").args(words).current_dir(folder))
    })
}

/// Installs into a folder what a list wants, where it is not there already; what is there stands in a stamp that is written last.
fn once(
    list: &str,
    folder: PathBuf,
    wanted: &str,
    install: impl FnOnce(&Path) -> Result<(), Failure>,
) -> Result<PathBuf, Failure> {
    let stamp = folder.join("installed.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) {
        say(&format!("  {list}: already in {}", folder.display()));
        return Ok(folder);
    }
    say(&format!("  {list}: installing into {}", folder.display()));
    install(&folder)?;
    std::fs::write(&stamp, wanted).map_err(|source| Failure::File { path: stamp, source })?;
    Ok(folder)
}

fn as_root(words: &[&str]) -> Result<Command, Failure> {
    let (program, prefix): (&str, &[&str]) = if is_root() { (words[0], &[]) } else { ("sudo", &["-n"]) };
    if program == "sudo" && !succeeds("sudo", &["-n", "true"]) {
        return Err(Failure::Missing(format!(
            "installing packages needs root or a password-less sudo; run `{}` yourself",
            words.join(" ")
        )));
    }
    let mut command = Command::new(program);
    command.args(prefix);
    command.args(if prefix.is_empty() { words.get(1..).unwrap_or_default() } else { words });
    Ok(command)
}

fn is_root() -> bool {
    succeeds("sh", &["-c", "test \"$(id -u)\" = 0"])
}
