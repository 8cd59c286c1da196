//! Files that a recorded scene is played with.

use std::path::Path;

/// Writes `text.txt`, of 199 numbered lines, for pagers, and `a.c` for editors.
pub fn write_files(folder: &Path) {
    let lines = (1..200).map(|n| format!("line {n} of the text\n"));
    std::fs::write(folder.join("text.txt"), lines.collect::<String>()).unwrap();
    let program = "int main(void) {\n  return 0; /* ok */\n}\n";
    std::fs::write(folder.join("a.c"), program).unwrap();
}
