package compat

import (
	"bytes"
	"os"
	"slices"
	"testing"
)

func TestThePageIsUpToDate(t *testing.T) {
	want, err := Page(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/compat.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/compat.md is out of date: run make generate")
	}
}

func TestNotesAndListsNameOperationsThatExist(t *testing.T) {
	all, err := services(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	noted := map[string]bool{} // IAM and STS share their notes
	for _, s := range all {
		for _, name := range s.served {
			noted[name] = true
			if !slices.Contains(s.aws, name) {
				t.Errorf("%s serves %s, which AWS does not have", s.title, name)
			}
		}
		if n := len(slices.Compact(slices.Sorted(slices.Values(s.served)))); n != len(s.served) {
			t.Errorf("%s lists an operation twice", s.title)
		}
	}
	for _, s := range all {
		for _, name := range s.stray() {
			if !noted[name] {
				t.Errorf("%s has a note on %s, which is not served", s.title, name)
			}
		}
	}
}

func TestEveryLambdaOperationIsServed(t *testing.T) {
	all, err := services(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	lambda := all[0]
	if len(lambda.aws) != 88 {
		t.Errorf("AWS's SDK has %d operations, want 88: look at what changed", len(lambda.aws))
	}
	for _, name := range lambda.aws {
		if !slices.Contains(lambda.served, name) {
			t.Errorf("%s is not served", name)
		}
	}
}
