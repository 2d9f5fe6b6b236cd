package main

import (
	"image"
	"image/color"
	"image/draw"
)

// shrink scales a picture down until both sides fit, keeping its proportions, on
// white where it is transparent. Smaller pictures stay as they are.
func shrink(from image.Image, side int) *image.RGBA {
	size := from.Bounds().Size()
	full := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(full, full.Bounds(), image.White, image.Point{}, draw.Src)
	draw.Draw(full, full.Bounds(), from, from.Bounds().Min, draw.Over)
	to := fit(size, side)
	if to == size {
		return full
	}
	small := image.NewRGBA(image.Rectangle{Max: to})
	for y := range to.Y {
		for x := range to.X {
			small.SetRGBA(x, y, average(full, image.Rect(
				x*size.X/to.X, y*size.Y/to.Y,
				(x+1)*size.X/to.X, (y+1)*size.Y/to.Y,
			)))
		}
	}
	return small
}

// fit is the size of a thumbnail: at least a pixel on each side.
func fit(size image.Point, side int) image.Point {
	longer := max(size.X, size.Y)
	if longer <= side {
		return size
	}
	return image.Pt(max(1, size.X*side/longer), max(1, size.Y*side/longer))
}

// average is the colour of an area that is not empty.
func average(of *image.RGBA, area image.Rectangle) color.RGBA {
	var sum [3]int
	for y := area.Min.Y; y < area.Max.Y; y++ {
		row := of.Pix[of.PixOffset(area.Min.X, y):of.PixOffset(area.Max.X, y)]
		for i := 0; i < len(row); i += 4 {
			sum[0] += int(row[i])
			sum[1] += int(row[i+1])
			sum[2] += int(row[i+2])
		}
	}
	n := area.Dx() * area.Dy()
	return color.RGBA{R: uint8(sum[0] / n), G: uint8(sum[1] / n), B: uint8(sum[2] / n), A: 255}
}
