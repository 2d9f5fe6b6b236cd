package sqs

import "testing"

// The digests are what other implementations of the algorithm have on record as
// AWS's answers.
func TestDigestsOfAttributes(t *testing.T) {
	for want, attributes := range map[string]map[string]attributeValue{
		"235c5c510d26fb653d073faed50ae77c": {"timestamp": {Type: "Number", Value: []byte("1493147359900")}},
		"2e2e4876d8e0bd6b8c2c8f556831c349": {"timestamp": {Type: "Number.java.lang.Long", Value: []byte("1493147359900")}},
	} {
		if got := *md5OfAttributes(attributes); got != want {
			t.Errorf("%v: got %s, want %s", attributes, got, want)
		}
	}
	if got := md5OfAttributes(nil); got != nil {
		t.Errorf("got %s for nothing", *got)
	}
	if text, binary := *md5OfAttributes(map[string]attributeValue{"a": {Type: "String", Value: []byte("v")}}),
		*md5OfAttributes(map[string]attributeValue{"a": {Type: "Binary", Value: []byte("v")}}); text == binary {
		t.Error("text and bytes have one digest")
	}
}
