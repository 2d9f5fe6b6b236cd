package namespace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// tmpImage is a file system of its own for one environment's /tmp: an ext4 image in
// a sparse file, so that a write past its size gets ENOSPC, what is in it lies on
// the disk and not in the function's memory, and nothing is left of it in the
// host's mount table. It stays mounted, out of sight, as long as pin is open.
type tmpImage struct {
	sizeMB int
	device string
	pin    int // a detached mount
}

// tmpImages makes images and keeps those that came back empty for the next
// environment: attaching and mounting one costs about 4 ms and taking it down as
// much again, emptying an unused one costs nothing.
type tmpImages struct {
	dir string
	ctl *os.File // /dev/loop-control

	// mu guards what follows.
	mu       sync.Mutex
	template map[int]string // by size: an image fresh from mkfs
	ready    map[int][]*tmpImage
	serial   int
	closed   bool
}

// readyMax bounds the unused images kept for each size. An image costs a loop
// device and some 200 KiB of the kernel's memory; a burst of cold starts is rarely
// larger.
const readyMax = 32

// mkfsTimeout bounds the making of one template, which takes 20 ms.
const mkfsTimeout = 30 * time.Second

// openTmpImages finds out whether this host can do it, by doing it once.
func openTmpImages(dir string) (*tmpImages, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	ctl, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	t := &tmpImages{dir: dir, ctl: ctl, template: map[int]string{}, ready: map[int][]*tmpImage{}}
	const probeMB = 512 // what most functions have
	img, err := t.take(context.Background(), probeMB)
	if err != nil {
		ctl.Close()
		return nil, err
	}
	t.giveBack(img)
	return t, nil
}

// take returns an empty image of a size.
func (t *tmpImages) take(ctx context.Context, sizeMB int) (*tmpImage, error) {
	t.mu.Lock()
	if list := t.ready[sizeMB]; len(list) > 0 {
		img := list[len(list)-1]
		t.ready[sizeMB] = list[:len(list)-1]
		t.mu.Unlock()
		return img, nil
	}
	t.mu.Unlock()
	return t.fresh(ctx, sizeMB)
}

// fresh makes an image.
func (t *tmpImages) fresh(ctx context.Context, sizeMB int) (*tmpImage, error) {
	t.mu.Lock()
	from, err := t.templateLocked(ctx, sizeMB)
	t.serial++
	name := filepath.Join(t.dir, "image-"+strconv.Itoa(t.serial))
	t.mu.Unlock()
	if err != nil {
		return nil, err
	}
	img, err := t.make(from, name, sizeMB)
	if err != nil {
		return nil, fmt.Errorf("make a /tmp of %d MB: %w", sizeMB, err)
	}
	return img, nil
}

// templateLocked makes the image that others of its size are copied from. There is
// no journal: the file system is never used again after a crash.
func (t *tmpImages) templateLocked(ctx context.Context, sizeMB int) (string, error) {
	if path := t.template[sizeMB]; path != "" {
		return path, nil
	}
	path := filepath.Join(t.dir, "template-"+strconv.Itoa(sizeMB))
	ctx, cancel := context.WithTimeout(ctx, mkfsTimeout)
	defer cancel()
	mkfs := exec.CommandContext(ctx, "mkfs.ext4", "-q", "-F", "-m", "0", "-i", "8192",
		"-O", "^has_journal,^resize_inode", "-E", "lazy_itable_init=1,nodiscard,root_owner=0:0", path, strconv.Itoa(sizeMB)+"M")
	mkfs.Env = []string{"PATH=/usr/sbin:/sbin:/usr/bin:/bin", "LC_ALL=C"}
	if out, err := mkfs.CombinedOutput(); err != nil {
		return "", fmt.Errorf("mkfs.ext4: %w: %s", err, out)
	}
	t.template[sizeMB] = path
	return path, nil
}

// make copies a template, attaches it to a loop device and mounts that. The file
// has no name any more when it returns, and the device lets go of it by itself
// when it is unmounted, so that a killed Hearth leaves nothing.
func (t *tmpImages) make(from, name string, sizeMB int) (*tmpImage, error) {
	file, err := copySparse(from, name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := os.Remove(name); err != nil {
		return nil, err
	}
	loop, err := t.attach(file)
	if err != nil {
		return nil, err
	}
	defer loop.Close()
	img := &tmpImage{sizeMB: sizeMB, device: loop.Name()}
	if img.pin, err = img.mount(); err != nil {
		return nil, err
	}
	if err := img.prepare(); err != nil {
		unix.Close(img.pin)
		return nil, err
	}
	return img, nil
}

// attachTries bounds the race for a free loop device with others on this host.
const attachTries = 64

// attach connects a file to a free loop device.
func (t *tmpImages) attach(file *os.File) (*os.File, error) {
	for range attachTries {
		n, err := unix.IoctlRetInt(int(t.ctl.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, fmt.Errorf("find a free loop device: %w", err)
		}
		loop, err := os.OpenFile("/dev/loop"+strconv.Itoa(n), os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		config := unix.LoopConfig{Fd: uint32(file.Fd())}
		config.Info.Flags = unix.LO_FLAGS_AUTOCLEAR
		err = unix.IoctlLoopConfigure(int(loop.Fd()), &config)
		if err == nil {
			return loop, nil
		}
		loop.Close()
		if !errors.Is(err, unix.EBUSY) {
			return nil, fmt.Errorf("attach a loop device: %w", err)
		}
	}
	return nil, errors.New("attach a loop device: others take every free one")
}

// mount makes a detached mount of the image. A second one shows the same files.
func (img *tmpImage) mount() (int, error) {
	ctx, err := unix.Fsopen("ext4", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("mount ext4: %w", err)
	}
	defer unix.Close(ctx)
	if err := unix.FsconfigSetString(ctx, "source", img.device); err != nil {
		return -1, fmt.Errorf("mount %s: %w", img.device, err)
	}
	// The tables that were not written are zeros in a sparse file already.
	if err := unix.FsconfigSetFlag(ctx, "noinit_itable"); err != nil {
		return -1, fmt.Errorf("mount %s: %w", img.device, err)
	}
	// Deleted files give their space back to the host.
	if err := unix.FsconfigSetFlag(ctx, "discard"); err != nil {
		return -1, fmt.Errorf("mount %s: %w", img.device, err)
	}
	if err := unix.FsconfigCreate(ctx); err != nil {
		return -1, fmt.Errorf("mount %s: %w", img.device, err)
	}
	mnt, err := unix.Fsmount(ctx, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV)
	if err != nil {
		return -1, fmt.Errorf("mount %s: %w", img.device, err)
	}
	return mnt, nil
}

// prepare empties the image, whatever is in it, and opens it to everybody.
func (img *tmpImage) prepare() error {
	root := fdPath(img.pin)
	entries, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(root, e.Name())); err != nil {
			return err
		}
	}
	return os.Chmod(root, os.ModeSticky|0o777)
}

// giveBack takes an image from an environment whose processes are gone.
func (t *tmpImages) giveBack(img *tmpImage) {
	keep := img.prepare() == nil
	t.mu.Lock()
	defer t.mu.Unlock()
	if keep && !t.closed && len(t.ready[img.sizeMB]) < readyMax {
		t.ready[img.sizeMB] = append(t.ready[img.sizeMB], img)
		return
	}
	unix.Close(img.pin)
}

// close takes down the images that nobody uses; those in use go when they come
// back.
func (t *tmpImages) close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for _, list := range t.ready {
		for _, img := range list {
			unix.Close(img.pin)
		}
	}
	clear(t.ready)
	return errors.Join(t.ctl.Close(), os.RemoveAll(t.dir))
}

// copySparse copies the parts of a file that are not holes.
func copySparse(from, to string) (dst *os.File, err error) {
	src, err := os.Open(from)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return nil, err
	}
	dst, err = os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, dst.Close(), os.Remove(to))
		}
	}()
	if err := dst.Truncate(info.Size()); err != nil {
		return nil, err
	}
	for off := int64(0); ; {
		data, err := src.Seek(off, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return dst, nil // only a hole is left
		}
		if err != nil {
			return nil, err
		}
		if off, err = src.Seek(data, unix.SEEK_HOLE); err != nil {
			return nil, err
		}
		if _, err := io.Copy(io.NewOffsetWriter(dst, data), io.NewSectionReader(src, data, off-data)); err != nil {
			return nil, err
		}
	}
}
