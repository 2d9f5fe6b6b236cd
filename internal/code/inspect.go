package code

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// The messages of refused packages (Lambda API, CreateFunction and
// UpdateFunctionCode).
const (
	msgNotAZip       = "Could not unzip uploaded file. Please check your file, then try to upload again."
	msgUnzippedLimit = "Unzipped size must be smaller than 262144000 bytes"
	msgEmpty         = "Uploaded file must be a non-empty zip"
	msgZippedLimit   = "Zipped size must be smaller than 52428800 bytes"
)

// entriesMax bounds the entries of one package. The largest node_modules trees
// that fit lambda.UnzippedMax have some 60,000 files; twice that is still unpacked
// in seconds.
const entriesMax = 131072

var (
	errNotAZip       = &lambda.Error{Code: lambda.CodeInvalidParameterValue, Message: msgNotAZip}
	errEmpty         = &lambda.Error{Code: lambda.CodeInvalidParameterValue, Message: msgEmpty}
	errUnzippedLimit = &lambda.Error{Code: lambda.CodeInvalidParameterValue, Message: msgUnzippedLimit}
	errZippedLimit   = &lambda.Error{Code: lambda.CodeRequestEntityTooLarge, Message: msgZippedLimit, Bare: true, Status: 413}
)

// contents is what inspect found in a package.
type contents struct {
	bytes int64
	files int
}

// inspect verifies a package by unpacking it into nothing: names, kinds, checksums
// and the number of bytes that really come out, whatever its headers say.
func inspect(ctx context.Context, data []byte) (contents, error) {
	if int64(len(data)) > lambda.ZipMax {
		return contents{}, errZippedLimit
	}
	return inspectAt(ctx, bytes.NewReader(data), int64(len(data)))
}

// inspectAt is inspect for a package of any size, wherever its bytes are.
func inspectAt(ctx context.Context, r io.ReaderAt, size int64) (contents, error) {
	if size == 0 {
		return contents{}, errEmpty
	}
	zr, err := zip.NewReader(r, size)
	if err != nil {
		return contents{}, errNotAZip
	}
	items, err := plan(zr)
	if err != nil {
		return contents{}, err
	}
	if len(items) == 0 {
		return contents{}, errEmpty
	}
	var seen contents
	for _, it := range items {
		if err := ctx.Err(); err != nil {
			return contents{}, err
		}
		switch it.kind {
		case kindDir:
		case kindLink:
			seen.files++
		case kindFile:
			seen.files++
			n, err := copyEntry(io.Discard, it.file, lambda.UnzippedMax-seen.bytes)
			if err != nil {
				return contents{}, err
			}
			seen.bytes += n
		}
	}
	return seen, nil
}

// copyEntry unpacks one entry into w, at most limit bytes of it: one more and it is
// errUnzippedLimit. The zip reader checks length and CRC at the end.
func copyEntry(w io.Writer, f *zip.File, limit int64) (int64, error) {
	r, err := f.Open()
	if err != nil {
		return 0, errNotAZip
	}
	defer r.Close()
	n, err := io.Copy(w, io.LimitReader(r, limit+1))
	var pathErr *fs.PathError
	switch {
	case errors.As(err, &pathErr): // the destination's fault, not the package's
		return n, err
	case n > limit:
		return n, errUnzippedLimit
	case err != nil:
		return n, errNotAZip
	}
	return n, nil
}
