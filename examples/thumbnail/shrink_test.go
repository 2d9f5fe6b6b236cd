package main

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"testing"
)

func TestThumbnailsKeepTheirProportions(t *testing.T) {
	for from, want := range map[image.Point]image.Point{
		{400, 300}:  {128, 96},
		{300, 400}:  {96, 128},
		{100, 50}:   {100, 50},
		{5000, 3}:   {128, 1},
		{1, 100000}: {1, 128},
		{128, 128}:  {128, 128},
		{129, 129}:  {128, 128},
	} {
		if got := shrink(image.NewGray(image.Rectangle{Max: from}), 128).Bounds().Size(); got != want {
			t.Errorf("%v becomes %v, want %v", from, got, want)
		}
	}
}

// A picture whose left half is red and whose right half shows nothing: the halves
// stay halves, and what shows nothing is white.
func TestThumbnailsShowThePicture(t *testing.T) {
	from := image.NewNRGBA(image.Rect(10, 20, 410, 220)) // its corner is not at 0,0
	for y := 20; y < 220; y++ {
		for x := 10; x < 210; x++ {
			from.SetNRGBA(x, y, color.NRGBA{R: 200, A: 255})
		}
	}
	small := shrink(from, 128)
	for at, want := range map[image.Point]color.RGBA{
		{0, 0}: {R: 200, A: 255}, {63, 63}: {R: 200, A: 255},
		{64, 0}: {255, 255, 255, 255}, {127, 63}: {255, 255, 255, 255},
	} {
		if got := small.RGBAAt(at.X, at.Y); got != want {
			t.Errorf("at %v: got %v, want %v", at, got, want)
		}
	}
}

// A file of a few bytes that claims to be huge is refused before memory is taken.
func TestAPictureThatClaimsTooMuchIsNotDecoded(t *testing.T) {
	var file bytes.Buffer
	if err := png.Encode(&file, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	if _, err := decode(file.Bytes()); err != nil {
		t.Fatal(err)
	}
	const header = 8 + 4 // the signature, the first chunk's length
	b := file.Bytes()
	binary.BigEndian.PutUint32(b[header+4:], 1<<20)
	binary.BigEndian.PutUint32(b[header+8:], 1<<20)
	binary.BigEndian.PutUint32(b[header+17:], crc32.ChecksumIEEE(b[header:header+17]))
	if _, err := decode(b); err == nil || err.Error() != "a png of 1048576 x 1048576 pixels" {
		t.Errorf("got %v", err)
	}
}
