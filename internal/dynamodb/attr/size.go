package attr

// Size is how many bytes a value counts (DynamoDB developer guide, "Item sizes and
// formats"). The size of numbers is nowhere exact in it; this is what DynamoDB was
// measured to count.
func (v Value) Size() int {
	switch v.Kind {
	case String, Binary:
		return len(v.Text)
	case Number:
		return numberSize(v.Text)
	case StringSet, BinarySet:
		n := 0
		for _, m := range v.Set {
			n += len(m)
		}
		return n
	case NumberSet:
		n := 0
		for _, m := range v.Set {
			n += numberSize(m)
		}
		return n
	case List:
		n := 3
		for _, e := range v.List {
			n += 1 + e.Size()
		}
		return n
	case Map:
		n := 3
		for name, e := range v.Map {
			n += 1 + len(name) + e.Size()
		}
		return n
	default: // BOOL and NULL
		return 1
	}
}

func numberSize(text string) int {
	d := canonical(text)
	if d.digits == "" {
		return 1
	}
	n := 1 + (len(d.digits)+1)/2
	if len(d.digits)%2 == 0 && d.exp%2 == 0 {
		n++
	}
	if d.negative {
		n++
	}
	return n
}

// ItemSize is how many bytes an item counts: names and values.
func ItemSize(item Item) int {
	n := 0
	for name, v := range item {
		n += len(name) + v.Size()
	}
	return n
}
