package store

// PrefixEnd is the smallest key that is greater than every key with the prefix,
// in byte order. It reports false when there is none, that is when the prefix is
// empty or all 0xff.
func PrefixEnd(prefix string) (string, bool) {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			return prefix[:i] + string([]byte{prefix[i] + 1}), true
		}
	}
	return "", false
}

// PageStart is the smallest key that a List with this prefix and after may
// return. An empty after is the beginning.
func PageStart(prefix, after string) string {
	if after == "" {
		return prefix
	}
	return max(prefix, after+"\x00") // the successor of after
}
