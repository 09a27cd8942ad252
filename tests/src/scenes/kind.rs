//! The situations.

/// A situation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Dark on white.
    Clean,
    /// Any levels of paper and ink, dark on light or light on dark.
    Levels,
    /// Light that falls off to one side.
    Uneven,
    /// Corners darker than the middle.
    Vignette,
    /// The soft edge of a shadow.
    SoftShadow,
    /// The hard edge of a shadow.
    HardShadow,
    /// Strong grain.
    Grain,
    /// Faint lines from edge to edge, both ways.
    Graph,
    /// Faint lines from edge to edge.
    Ruled,
    /// A frame around the digit.
    Frame,
    /// Lines of a form's cell, from edge to edge, as dark as the pen.
    Cell,
    /// The dark edge of a scan on any side.
    ScannerEdge,
    /// Part of the next digit, cut by the border.
    Neighbour,
    /// Specks all over.
    Specks,
    /// A picture inside a page of another level.
    Page,
    /// Little contrast.
    LowContrast,
    /// Small in its frame.
    Small,
    /// A sheet on a dark table.
    Table,
    /// An MNIST image with other levels.
    SmallFileLevels,
    /// An MNIST image that is shifted, as far as its own border allows.
    SmallFileShifted,
    /// Cut out along its edges.
    CutOut,
    /// Cut out along its edges, and only 8 to 20 pixels long.
    Thumbnail,
}
