package pattern

import (
	"cmp"
	"slices"
)

// agree says whether each condition has a value that meets it such that all of them
// lie in the same element wherever they lie in the same array. Each condition is
// known to be met by some value or by the absence of one.
func (b branch) agree(ev *Event) bool {
	met := make([][]place, 0, len(b))
	for _, c := range b {
		var good []place
		for i := ev.first(c.path); i != none; i = ev.values[i].next {
			if c.match(&ev.values[i]) {
				good = append(good, ev.place(ev.values[i].element))
			}
		}
		if len(good) > 0 { // else absence is what it asked for
			met = append(met, good)
		}
	}
	return together(met, 0)
}

// place is the elements that a value lies in, outermost first.
type place []element

func (ev *Event) place(e int32) place {
	var p place
	for ; e != none; e = ev.elements[e].parent {
		p = append(p, ev.elements[e])
	}
	slices.Reverse(p)
	return p
}

// together does the work of agree for values that share their first depth elements.
// Conditions in different arrays do not constrain each other, so each array is looked
// at for itself, and each of its elements once.
func together(met [][]place, depth int) bool {
	arrays := map[int32][][]place{} // conditions that need an element of an array
	for _, places := range met {
		if slices.ContainsFunc(places, func(p place) bool { return len(p) == depth }) {
			continue
		}
		array := places[0][depth].array
		arrays[array] = append(arrays[array], places)
	}
	for array, conditions := range arrays {
		if len(conditions) > 1 && !inOneElement(array, conditions, depth) {
			return false
		}
	}
	return true
}

// inOneElement says whether one element of an array has values for all conditions.
func inOneElement(array int32, conditions [][]place, depth int) bool {
	elements := map[int32][][]place{}
	for _, places := range conditions {
		// Names with dots may put one path into several arrays.
		inside := slices.DeleteFunc(slices.Clone(places), func(p place) bool { return p[depth].array != array })
		index := func(p place) int32 { return p[depth].index }
		slices.SortStableFunc(inside, func(a, b place) int { return cmp.Compare(index(a), index(b)) })
		for len(inside) > 0 {
			n := 1
			for n < len(inside) && index(inside[n]) == index(inside[0]) {
				n++
			}
			elements[index(inside[0])] = append(elements[index(inside[0])], inside[:n])
			inside = inside[n:]
		}
	}
	for _, groups := range elements {
		if len(groups) == len(conditions) && together(groups, depth+1) {
			return true
		}
	}
	return false
}
