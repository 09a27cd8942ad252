/// A data set that can be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manifest<'a> {
    /// Its name on the command line.
    pub name: &'a str,
    /// Its files.
    pub files: &'a [RemoteFile<'a>],
    /// URLs that file names are appended to, in the order in which they are tried.
    pub mirrors: &'a [&'a str],
}

/// One file of a [`Manifest`].
///
/// Length and digest are those of the unpacked content, because the gzipped form differs between mirrors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteFile<'a> {
    /// Its name, with `.gz` at the end.
    pub name: &'a str,
    /// Length of its unpacked content.
    pub bytes: u64,
    /// SHA-256 of its unpacked content, as 64 lower-case hex digits.
    pub sha256: &'a str,
}

impl<'a> Manifest<'a> {
    /// The same data set from other mirrors. If `mirrors` is empty, the manifest's own stay.
    #[must_use]
    pub fn with_mirrors(self, mirrors: &'a [&'a str]) -> Self {
        if mirrors.is_empty() { self } else { Self { mirrors, ..self } }
    }
}

impl Manifest<'static> {
    /// The published data set of that name.
    pub fn named(name: &str) -> Option<Self> {
        PUBLISHED.into_iter().find(|manifest| manifest.name == name)
    }
}

/// All data sets that can be fetched by name.
pub const PUBLISHED: [Manifest<'static>; 2] = [MNIST, FASHION_MNIST];

/// MNIST: handwritten digits, 60,000 training images and 10,000 test images.
pub const MNIST: Manifest<'static> = Manifest {
    name: "mnist",
    files: &[
        RemoteFile {
            name: "train-images-idx3-ubyte.gz",
            bytes: 47_040_016,
            sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        },
        RemoteFile {
            name: "train-labels-idx1-ubyte.gz",
            bytes: 60_008,
            sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        },
        RemoteFile {
            name: "t10k-images-idx3-ubyte.gz",
            bytes: 7_840_016,
            sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        },
        RemoteFile {
            name: "t10k-labels-idx1-ubyte.gz",
            bytes: 10_008,
            sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
    ],
    mirrors: &[
        // PyTorch's copy, the one torchvision falls back to.
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        // The Common Visual Data Foundation's copy, which TensorFlow Datasets reads.
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        // A copy by the communications engineering group at Paderborn University.
        "https://raw.githubusercontent.com/fgnt/mnist/master/",
    ],
};

/// Fashion-MNIST: pictures of clothes in ten classes, in the same format and number as MNIST.
pub const FASHION_MNIST: Manifest<'static> = Manifest {
    name: "fashion-mnist",
    files: &[
        RemoteFile {
            name: "train-images-idx3-ubyte.gz",
            bytes: 47_040_016,
            sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        },
        RemoteFile {
            name: "train-labels-idx1-ubyte.gz",
            bytes: 60_008,
            sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        },
        RemoteFile {
            name: "t10k-images-idx3-ubyte.gz",
            bytes: 7_840_016,
            sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        },
        RemoteFile {
            name: "t10k-labels-idx1-ubyte.gz",
            bytes: 10_008,
            sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
    ],
    mirrors: &[
        // The authors' bucket. The address they publish is its website endpoint, which does not support https.
        "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
        // The copy that Keras reads; its files have the same names as MNIST's.
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        // The authors' repository.
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ],
};
