package namespace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// skeleton fills an environment's root with what all environments have.
func (b *builder) skeleton(points []mountPoint) {
	for _, dir := range []string{"/usr", "/proc", "/tmp", "/dev", "/etc", "/opt", "/var/task", "/home/" + insideUser} {
		b.dir(dir)
	}
	b.bind("/usr", "/usr", unix.MOUNT_ATTR_RDONLY)
	for _, dir := range []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64"} {
		b.likeHost(dir)
	}
	b.devices()
	b.etc()
	for _, p := range skeletonPoints(points) {
		if p.file {
			b.file(p.target, nil)
		} else {
			b.dir(p.target)
		}
	}
}

// likeHost shows a directory of the host's root: a link where it is one, as on
// systems that merged it into /usr.
func (b *builder) likeHost(dir string) {
	info, err := os.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		b.do("look at", dir, func() error { return err })
	case info.Mode()&fs.ModeSymlink != 0:
		text, err := os.Readlink(dir)
		b.do("read link", dir, func() error { return err })
		b.link(text, dir)
	default:
		b.dir(dir)
		b.bind(dir, dir, unix.MOUNT_ATTR_RDONLY)
	}
}

// devices makes the harmless devices. There is no terminal, and no /dev/shm, as on
// Lambda. In a user namespace they are the host's, shown.
func (b *builder) devices() {
	for name, minor := range map[string]uint32{"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9} {
		path := "/dev/" + name
		if b.nested {
			b.file(path, nil)
			b.mount(path, b.path(path), "", unix.MS_BIND, "")
			b.protect(path, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID)
			continue
		}
		b.do("make device", path, func() error {
			err := unix.Mknod(b.path(path), unix.S_IFCHR|0o666, int(unix.Mkdev(1, minor)))
			if err != nil {
				return err
			}
			return os.Chmod(b.path(path), 0o666) // whatever the umask
		})
	}
	b.link("/proc/self/fd", "/dev/fd")
	b.link("/proc/self/fd/0", "/dev/stdin")
	b.link("/proc/self/fd/1", "/dev/stdout")
	b.link("/proc/self/fd/2", "/dev/stderr")
}

// etcFiles are written as they are.
var etcFiles = map[string]string{
	"/etc/passwd": "root:x:0:0:root:/root:/sbin/nologin\n" +
		insideUser + ":x:993:990::/home/" + insideUser + ":/sbin/nologin\n" +
		"nobody:x:65534:65534:nobody:/:/sbin/nologin\n",
	"/etc/group":         "root:x:0:\n" + insideUser + ":x:990:\nnogroup:x:65534:\n",
	"/etc/hosts":         "127.0.0.1 localhost sandbox.localdomain sandbox\n::1 localhost\n",
	"/etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n",
	// Nothing listens there: a name that is not in /etc/hosts is refused at once
	// instead of after a time-out.
	"/etc/resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
}

// etcCopies are what programs need of the host's /etc and what holds no secrets:
// the linker's cache, the public certificates, the links that name the chosen
// version of a program, and the settings of language runtimes. Names may be
// patterns.
var etcCopies = []string{
	"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d",
	"/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ssl/cert.pem", "/etc/pki/tls/certs", "/etc/pki/tls/cert.pem",
	"/etc/pki/tls/openssl.cnf", "/etc/pki/ca-trust/extracted", "/etc/ca-certificates.conf", "/etc/crypto-policies",
	"/etc/alternatives", "/etc/java-*-openjdk", "/etc/java", "/etc/python3*",
	"/etc/mime.types", "/etc/protocols", "/etc/services", "/etc/os-release",
}

// etcCopyMax bounds one file copied from /etc: the largest, a bundle of all public
// certificates, is a quarter of it.
const etcCopyMax = 1 << 20

func (b *builder) etc() {
	for path, content := range etcFiles {
		b.file(path, []byte(content))
	}
	b.link("/usr/share/zoneinfo/UTC", "/etc/localtime") // Lambda's clock is UTC
	for _, pattern := range etcCopies {
		matches, _ := filepath.Glob(pattern) // the patterns are well-formed
		for _, path := range matches {
			b.copyTree(path)
		}
	}
}

// copyTree copies world-readable files, directories and links of the host. What
// only root may read stays out, whatever it is.
func (b *builder) copyTree(path string) {
	b.do("copy", path, func() error {
		return filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return nil //nolint:nilerr // unreadable or just removed: leave it out
			}
			info, err := entry.Info()
			if err != nil {
				return nil //nolint:nilerr // just removed: leave it out
			}
			return b.copyOne(path, info)
		})
	})
}

func (b *builder) copyOne(path string, info fs.FileInfo) error {
	target := b.path(path)
	switch mode := info.Mode(); {
	case mode.IsDir() && mode&0o005 == 0o005:
		return os.MkdirAll(target, 0o755)
	case mode.IsDir():
		return fs.SkipDir
	case mode&fs.ModeSymlink != 0:
		text, err := os.Readlink(path)
		if err != nil {
			return nil //nolint:nilerr // just removed: leave it out
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.Symlink(text, target)
	case mode.IsRegular() && mode&0o004 != 0 && info.Size() <= etcCopyMax:
		content, err := os.ReadFile(path)
		if err != nil {
			return nil //nolint:nilerr // unreadable or just removed: leave it out
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o644)
	default:
		return nil
	}
}
