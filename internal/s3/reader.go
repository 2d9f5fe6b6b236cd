package s3

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/hearthfaas/hearth/internal/s3/index"
)

// object is an object that is being read: its bytes stay until Close.
type object struct {
	index.Object
	s        *Service
	segments []index.Segment
	release  func()
	// named says that the request named the version.
	named bool

	at, end int64 // what is still to be read
	file    *os.File
	left    int64 // in file, up to end
}

// openObject finds a version and keeps its bytes from being removed.
func (s *Service) openObject(ctx context.Context, bucket, key, version string) (*object, error) {
	for {
		found, err := s.index.Get(ctx, bucket, key, version)
		if err != nil {
			return nil, err
		}
		o := &object{Object: found, s: s, release: func() {}, end: found.Size}
		if found.DeleteMarker {
			return o, nil
		}
		o.release = s.blobs.Pin(found.Data)
		// What is still there once it is pinned stays there.
		again, err := s.index.Get(ctx, bucket, key, version)
		if err == nil && again.Data == found.Data {
			o.segments = []index.Segment{{Number: 1, Blob: found.Data, Size: found.Size}}
			if found.Parts > 0 {
				o.segments, err = s.index.Segments(ctx, found.Data)
			}
			if err == nil {
				return o, nil
			}
		}
		o.release()
		if err != nil {
			return nil, err
		}
	}
}

// limit narrows what is read to length bytes from start.
func (o *object) limit(start, length int64) { o.at, o.end = start, start+length }

// Close meets io.Closer.
func (o *object) Close() error {
	o.done()
	return nil
}

// done ends the reading.
func (o *object) done() {
	if o.file != nil {
		o.file.Close()
		o.file = nil
	}
	o.release()
}

// next opens the segment in which the next byte is.
func (o *object) next() error {
	if o.file != nil {
		o.file.Close()
		o.file = nil
	}
	start := int64(0)
	for _, seg := range o.segments {
		if o.at >= start+seg.Size {
			start += seg.Size
			continue
		}
		f, err := o.s.blobs.Open(seg.Blob)
		if err != nil {
			return err
		}
		if _, err := f.Seek(o.at-start, io.SeekStart); err != nil {
			f.Close()
			return fmt.Errorf("read an object: %w", err)
		}
		o.file, o.left = f, min(start+seg.Size, o.end)-o.at
		return nil
	}
	return fmt.Errorf("read an object: its parts end at %d: %w", start, io.ErrUnexpectedEOF)
}

// Read implements io.Reader.
func (o *object) Read(p []byte) (int, error) {
	if o.at >= o.end {
		return 0, io.EOF
	}
	if o.left == 0 {
		if err := o.next(); err != nil {
			return 0, err
		}
	}
	n, err := o.file.Read(p[:min(int64(len(p)), o.left)])
	o.at += int64(n)
	o.left -= int64(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF // the file is shorter than the index says
	}
	return n, err
}

// WriteTo implements io.WriterTo; from a file to a connection the kernel copies.
func (o *object) WriteTo(w io.Writer) (total int64, err error) {
	for o.at < o.end {
		if o.left == 0 {
			if err := o.next(); err != nil {
				return total, err
			}
		}
		n, err := io.CopyN(w, o.file, o.left)
		total += n
		o.at += n
		o.left -= n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}
