//! The data sets that can be fetched by name, and where their digests come from.

use super::manifest::{Digest, Manifest, RemoteFile};
use crate::data::known;

impl Manifest<'static> {
    /// The published data set of that name.
    pub fn named(name: &str) -> Option<Self> {
        PUBLISHED.into_iter().find(|manifest| manifest.name == name)
    }
}

/// All data sets that can be fetched by name.
pub const PUBLISHED: [Manifest<'static>; 7] =
    [MNIST, FASHION_MNIST, KMNIST, KUZUSHIJI_49, EMNIST_LETTERS, EMNIST_BALANCED, EMNIST_DIGITS];

/// MNIST: handwritten digits, 60,000 training images and 10,000 test images.
pub const MNIST: Manifest<'static> = Manifest {
    name: "mnist",
    files: &[
        RemoteFile {
            name: "train-images-idx3-ubyte.gz",
            bytes: 47_040_016,
            digest: Digest::UnpackedSha256("ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        },
        RemoteFile {
            name: "train-labels-idx1-ubyte.gz",
            bytes: 60_008,
            digest: Digest::UnpackedSha256("65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        },
        RemoteFile {
            name: "t10k-images-idx3-ubyte.gz",
            bytes: 7_840_016,
            digest: Digest::UnpackedSha256("0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        },
        RemoteFile {
            name: "t10k-labels-idx1-ubyte.gz",
            bytes: 10_008,
            digest: Digest::UnpackedSha256("ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
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
    members: &[],
    labels: &[],
};

/// Fashion-MNIST: pictures of clothes in ten classes, in the same format and number as MNIST.
pub const FASHION_MNIST: Manifest<'static> = Manifest {
    name: "fashion-mnist",
    files: &[
        RemoteFile {
            name: "train-images-idx3-ubyte.gz",
            bytes: 47_040_016,
            digest: Digest::UnpackedSha256("c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
        },
        RemoteFile {
            name: "train-labels-idx1-ubyte.gz",
            bytes: 60_008,
            digest: Digest::UnpackedSha256(known::FASHION_MNIST_TRAIN_LABELS),
        },
        RemoteFile {
            name: "t10k-images-idx3-ubyte.gz",
            bytes: 7_840_016,
            digest: Digest::UnpackedSha256("5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
        },
        RemoteFile {
            name: "t10k-labels-idx1-ubyte.gz",
            bytes: 10_008,
            digest: Digest::UnpackedSha256("0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
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
    members: &[],
    labels: &known::FASHION_MNIST,
};

/// Kuzushiji-MNIST: ten hiragana in old cursive handwriting, in the same format and number as MNIST.
///
/// The digests are those in TensorFlow Datasets' `url_checksums/kmnist.txt`. They are of the gzipped files.
pub const KMNIST: Manifest<'static> = Manifest {
    name: "kmnist",
    files: &[
        RemoteFile {
            name: "train-images-idx3-ubyte.gz",
            bytes: 18_165_135,
            digest: Digest::Sha256("51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"),
        },
        RemoteFile {
            name: "train-labels-idx1-ubyte.gz",
            bytes: 29_497,
            digest: Digest::Sha256(known::KMNIST_TRAIN_LABELS),
        },
        RemoteFile {
            name: "t10k-images-idx3-ubyte.gz",
            bytes: 3_041_136,
            digest: Digest::Sha256("edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"),
        },
        RemoteFile {
            name: "t10k-labels-idx1-ubyte.gz",
            bytes: 5_120,
            digest: Digest::Sha256("20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"),
        },
    ],
    mirrors: &[
        // The authors' server. The address they publish is the one without encryption.
        "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
    ],
    members: &[],
    labels: &known::KMNIST,
};

/// Kuzushiji-49: 48 hiragana and the iteration mark, 232,365 training images and 38,547 test images, of some classes
/// many more than of others.
///
/// Neither its authors nor a widely used library publish a SHA-256. The MD5 digests are those that several independent
/// loaders check, for example `numpyvision`; Mila's mirror of the data set (`datasets-mila/datasets--kmnist`) records the
/// same, and the lengths.
pub const KUZUSHIJI_49: Manifest<'static> = Manifest {
    name: "kuzushiji-49",
    files: &[
        RemoteFile {
            name: "k49-train-imgs.npz",
            bytes: 66_117_696,
            digest: Digest::Md5("7ac088b20481cf51dcd01ceaab89d821"),
        },
        RemoteFile {
            name: "k49-train-labels.npz",
            bytes: 164_485,
            digest: Digest::Md5("44a8e1b893f81e63ff38d73cad420f7a"),
        },
        RemoteFile {
            name: "k49-test-imgs.npz",
            bytes: 10_971_201,
            digest: Digest::Md5("d352e201d846ce6b94f42c990966f374"),
        },
        RemoteFile {
            name: "k49-test-labels.npz",
            bytes: 27_450,
            digest: Digest::Md5("4da6f7a62e67a832d5eb1bd85c5ee448"),
        },
    ],
    mirrors: &[
        // The authors' server, as for KMNIST.
        "https://codh.rois.ac.jp/kmnist/dataset/k49/",
        "http://codh.rois.ac.jp/kmnist/dataset/k49/",
    ],
    members: &[],
    labels: &known::KUZUSHIJI_49,
};

/// All of EMNIST, 561,753,746 bytes.
///
/// The digest is the one in TensorFlow Datasets' `url_checksums/emnist.txt`. That of the archive protects the files in
/// it, too.
const EMNIST_ARCHIVE: [RemoteFile<'static>; 1] = [RemoteFile {
    name: "gzip.zip",
    bytes: 561_753_746,
    digest: Digest::Sha256("fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e"),
}];

const EMNIST_MIRRORS: [&str; 2] = [
    // NIST's address since 2023, and the one before.
    "https://biometrics.nist.gov/cs_links/EMNIST/",
    "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/",
];

macro_rules! emnist {
    ($set:literal) => {
        Manifest {
            name: concat!("emnist-", $set),
            files: &EMNIST_ARCHIVE,
            mirrors: &EMNIST_MIRRORS,
            members: &[
                concat!("emnist-", $set, "-train-images-idx3-ubyte.gz"),
                concat!("emnist-", $set, "-train-labels-idx1-ubyte.gz"),
                concat!("emnist-", $set, "-test-images-idx3-ubyte.gz"),
                concat!("emnist-", $set, "-test-labels-idx1-ubyte.gz"),
                concat!("emnist-", $set, "-mapping.txt"),
            ],
            labels: &[],
        }
    };
}

/// EMNIST's letters: 124,800 training images and 20,800 test images in 26 classes, each of capital and small forms.
pub const EMNIST_LETTERS: Manifest<'static> = emnist!("letters");

/// EMNIST's balanced set: 112,800 training images and 18,800 test images of digits, capitals and those small letters
/// that look different from their capitals, 47 classes.
pub const EMNIST_BALANCED: Manifest<'static> = emnist!("balanced");

/// EMNIST's digits: 240,000 training images and 40,000 test images.
pub const EMNIST_DIGITS: Manifest<'static> = emnist!("digits");
