//! The few SVG elements that a drawing needs, well-formed whatever the text is.

use core::fmt::{self, Write as _};

/// A drawing in the making.
pub(super) struct Svg {
    text: String,
}

/// Which point of a text is at its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    size: i64,
    bold: bool,
    fill: &'static str,
    anchor: Anchor,
}

/// A length in tenths of a pixel.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Tenths(pub(super) i64);

impl Text {
    pub(super) fn title() -> Self {
        Self {
            size: 17,
            bold: true,
            fill: "#1a1a1a",
            anchor: Anchor::Start,
        }
    }

    pub(super) fn heading() -> Self {
        Self {
            size: 13,
            ..Self::title()
        }
    }

    pub(super) fn small(fill: &'static str, anchor: Anchor) -> Self {
        Self {
            size: 11,
            bold: false,
            fill,
            anchor,
        }
    }

    pub(super) fn small_bold(fill: &'static str, anchor: Anchor) -> Self {
        Self {
            bold: true,
            ..Self::small(fill, anchor)
        }
    }
}

impl Svg {
    /// A white page of this many pixels.
    pub(super) fn new(width: i64, height: i64) -> Self {
        let mut svg = Self {
            text: String::new(),
        };
        svg.write(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, sans-serif\">\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
        ));
        svg
    }

    pub(super) fn finish(mut self) -> String {
        self.write(format_args!("</svg>\n"));
        self.text
    }

    pub(super) fn text(&mut self, x: impl Into<Tenths>, y: i64, text: &str, look: Text) {
        let anchor = match look.anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let weight = if look.bold {
            " font-weight=\"600\""
        } else {
            ""
        };
        self.write(format_args!(
            "<text x=\"{}\" y=\"{y}\" font-size=\"{}\"{weight} fill=\"{}\" text-anchor=\"{anchor}\">{}</text>\n",
            x.into(),
            look.size,
            look.fill,
            Escaped(text)
        ));
    }

    pub(super) fn rect(
        &mut self,
        (x, width): (Tenths, Tenths),
        (y, height): (i64, i64),
        fill: &str,
        opacity: &str,
    ) {
        self.write(format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\" fill-opacity=\"{opacity}\"/>\n"
        ));
    }

    pub(super) fn line(&mut self, from: (Tenths, Tenths), to: (Tenths, Tenths), stroke: &str) {
        self.write(format_args!(
            "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"{stroke}\"/>\n",
            from.0, from.1, to.0, to.1
        ));
    }

    /// An unfilled path; `data` consists of path commands.
    pub(super) fn path(&mut self, data: &str, stroke: &str) {
        self.write(format_args!(
            "<path d=\"{data}\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"1.4\" stroke-linejoin=\"round\"/>\n"
        ));
    }

    /// A small mark that points down at a place, and says `about` to whoever points at it.
    pub(super) fn mark(&mut self, x: Tenths, y: i64, fill: &str, about: &str) {
        let (left, right) = (Tenths(x.0 - 45), Tenths(x.0 + 45));
        self.write(format_args!(
            "<path d=\"M{left} {}L{right} {}L{x} {y}Z\" fill=\"{fill}\"><title>{}</title></path>\n",
            y - 8,
            y - 8,
            Escaped(about)
        ));
    }

    fn write(&mut self, arguments: fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _infallible = self.text.write_fmt(arguments);
    }
}

impl From<i64> for Tenths {
    fn from(pixels: i64) -> Self {
        Self(pixels * 10)
    }
}

impl fmt::Display for Tenths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, tenth) = (self.0.unsigned_abs() / 10, self.0.unsigned_abs() % 10);
        if tenth == 0 {
            write!(f, "{sign}{whole}")
        } else {
            write!(f, "{sign}{whole}.{tenth}")
        }
    }
}

/// Text as XML wants it; what XML cannot hold at all becomes a replacement character.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => {
                    f.write_char('\u{fffd}')?;
                }
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}
