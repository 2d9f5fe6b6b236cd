package namespace

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// A template is a mount namespace that holds everything about an environment's root
// that does not depend on the environment: a file system with the skeleton of
// directories and the few files of /etc and /dev, and the host's /usr over it.
// Making an environment then starts with one copy of the namespace instead of some
// sixty system calls. Its layout:
//
//	/init   the program of process 1
//	/proc   the host's, which process 1 needs for a moment (see package supervisor)
//	/new    the environment's root
//
// There is one template for each set of mount points, because nothing can be made
// in the skeleton later: environments share it, and it is read-only.
type template struct {
	ns *os.File // the mount namespace
}

// templatesMax bounds the templates kept. A driver's callers have a handful of
// layouts (with and without layers, managed and custom runtimes); one more than
// that is made again when it is needed.
const templatesMax = 32

// templates makes templates and keeps them.
type templates struct {
	init  string // path of the init binary on the host
	where string // an empty directory to mount on
	// nested says that this happens in a user namespace: what is mounted on the host's
	// mounts cannot be left out of a copy there, and no devices can be made.
	nested bool

	// mu guards what follows, and lets one template be made at a time.
	mu   sync.Mutex
	made map[string]*template
}

// get returns the template for the mount points, with a descriptor that the caller
// closes.
func (t *templates) get(points []mountPoint) (*template, error) {
	key := templateKey(points)
	t.mu.Lock()
	defer t.mu.Unlock()
	tpl := t.made[key]
	if tpl == nil {
		ns, err := t.build(points)
		if err != nil {
			return nil, err
		}
		if len(t.made) >= templatesMax {
			for old := range t.made { // any one: there are never this many in use
				t.made[old].ns.Close()
				delete(t.made, old)
				break
			}
		}
		tpl = &template{ns: os.NewFile(uintptr(ns), "template")}
		t.made[key] = tpl
	}
	ns, err := unix.FcntlInt(tpl.ns.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("use a root template: %w", err)
	}
	return &template{ns: os.NewFile(uintptr(ns), "template")}, nil
}

// prepare makes the template without mount points, or finds out that this host cannot.
func (t *templates) prepare() error {
	tpl, err := t.get(nil)
	if err != nil {
		return err
	}
	return tpl.ns.Close()
}

// close lets go of all templates.
func (t *templates) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, tpl := range t.made {
		tpl.ns.Close()
	}
	clear(t.made)
}

// mountPoint is a place in the skeleton that something is mounted on.
type mountPoint struct {
	target string // absolute, clean
	file   bool
}

func templateKey(points []mountPoint) string {
	var b strings.Builder
	for _, p := range points {
		fmt.Fprintf(&b, "%q %t\n", p.target, p.file)
	}
	return b.String()
}

// skeletonPoints are the mount points that the skeleton must have: those that do
// not lie inside an earlier mount, which brings its own.
func skeletonPoints(points []mountPoint) []mountPoint {
	covered := []string{"/proc", "/tmp", "/usr"}
	var out []mountPoint
	for _, p := range points {
		inside := slices.ContainsFunc(covered, func(dir string) bool { return strings.HasPrefix(p.target, dir+"/") })
		if !inside && !slices.Contains(out, p) {
			out = append(out, p)
		}
		covered = append(covered, p.target)
	}
	return out
}

// build makes a template's namespace and returns a descriptor of it.
func (t *templates) build(points []mountPoint) (ns int, err error) {
	err = onThread(func() error {
		if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
			return fmt.Errorf("make a mount namespace: %w", err)
		}
		b := builder{root: t.where, nested: t.nested}
		b.mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
		b.mount("tmpfs", t.where, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755,size=1m")
		b.dir("/new")
		b.dir("/proc")
		b.bind("/proc", "/proc", 0)
		b.file("/init", nil)
		b.bind(t.init, "/init", unix.MOUNT_ATTR_RDONLY)
		// Not nodev: /dev lies on it. Nobody inside can write to it or make devices.
		b.mount("tmpfs", b.path("/new"), "tmpfs", unix.MS_NOSUID, "mode=755,size=64m")
		b.root = b.path("/new")
		b.skeleton(points)
		b.protect("/", unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID)
		if b.err != nil {
			return fmt.Errorf("build a root: %w", b.err)
		}
		if err := enter(t.where); err != nil {
			return fmt.Errorf("enter the template: %w", err)
		}
		ns, err = unix.Open("/proc/thread-self/ns/mnt", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("keep the template: %w", err)
		}
		return nil
	})
	return ns, err
}

// enter makes dir, a mount, the root of the calling thread's mount namespace and
// lets go of what was there before.
func enter(dir string) error {
	if err := unix.Chdir(dir); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return err
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return err
	}
	return unix.Chdir("/")
}

// builder puts things below root and keeps the first error.
type builder struct {
	root   string
	nested bool
	err    error
}

func (b *builder) path(inside string) string { return filepath.Join(b.root, inside) }

// do runs one step, unless one before it went wrong.
func (b *builder) do(what, path string, f func() error) {
	if b.err != nil {
		return
	}
	if err := f(); err != nil {
		b.err = fmt.Errorf("%s %s: %w", what, path, err)
	}
}

func (b *builder) mount(source, target, kind string, flags uintptr, data string) {
	b.do("mount on", target, func() error { return unix.Mount(source, target, kind, flags, data) })
}

// bind shows a path of the host, with what is mounted below it unless it is /proc.
func (b *builder) bind(source, inside string, attrs uint64) {
	flags := uintptr(unix.MS_BIND)
	if attrs != 0 || b.nested {
		flags |= unix.MS_REC
	}
	b.mount(source, b.path(inside), "", flags, "")
	if attrs != 0 {
		b.protect(inside, attrs|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV)
	}
}

// protect sets attributes on the mount at inside, and on those below it when it is
// not the root itself.
func (b *builder) protect(inside string, attrs uint64) {
	b.do("protect", inside, func() error {
		flags := uint(unix.AT_RECURSIVE)
		if inside == "/" {
			flags = 0
		}
		return unix.MountSetattr(unix.AT_FDCWD, b.path(inside), flags, &unix.MountAttr{Attr_set: attrs})
	})
}

func (b *builder) dir(inside string) {
	b.do("make", inside, func() error { return os.MkdirAll(b.path(inside), 0o755) })
}

func (b *builder) file(inside string, content []byte) {
	b.do("write", inside, func() error {
		if err := os.MkdirAll(filepath.Dir(b.path(inside)), 0o755); err != nil {
			return err
		}
		return os.WriteFile(b.path(inside), content, 0o644)
	})
}

func (b *builder) link(text, inside string) {
	b.do("link", inside, func() error { return os.Symlink(text, b.path(inside)) })
}
