package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// oldModule is the last version of the SDK's first generation. It holds AWS's service
// models themselves, which say what modules without schemas do not.
const oldModule = "github.com/aws/aws-sdk-go@v1.55.8"

// oldModelsDir fetches the old models, outside of this module so that they do not
// become one of its dependencies.
func oldModelsDir() (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", oldModule)
	cmd.Dir = os.TempDir()
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("download %s: %w", oldModule, err)
	}
	var info struct{ Dir string }
	if err := json.Unmarshal(out, &info); err != nil {
		return "", fmt.Errorf("download %s: %w", oldModule, err)
	}
	return filepath.Join(info.Dir, "models", "apis"), nil
}

func loadOld(dir string) (*oldModel, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "api-2.json"))
	if err != nil {
		return nil, err
	}
	var m oldModel
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("read the model in %s: %w", dir, err)
	}
	return &m, nil
}

// oldModel is a model of the SDK's first version, as api-2.json writes it.
type oldModel struct {
	Metadata struct {
		Protocol string `json:"protocol"`
	} `json:"metadata"`
	Operations map[string]oldOperation `json:"operations"`
	Shapes     map[string]*oldShape    `json:"shapes"`
	lowerCase  bool                    // members begin with a small letter
}

type oldOperation struct {
	HTTP struct {
		Method string `json:"method"`
		URI    string `json:"requestUri"`
		Status int    `json:"responseCode"`
	} `json:"http"`
	Input  *oldMember `json:"input"`
	Output *oldMember `json:"output"`
}

type oldShape struct {
	Type      string               `json:"type"`
	Flattened bool                 `json:"flattened"`
	Payload   string               `json:"payload"`
	Stamp     string               `json:"timestampFormat"`
	Exception bool                 `json:"exception"`
	Fault     bool                 `json:"fault"`
	Members   map[string]oldMember `json:"members"`
	Member    *oldMember           `json:"member"`
	Key       *oldMember           `json:"key"`
	Value     *oldMember           `json:"value"`
	Error     struct {
		Code   string `json:"code"`
		Status int    `json:"httpStatusCode"`
	} `json:"error"`
}

type oldMember struct {
	Shape        string `json:"shape"`
	Location     string `json:"location"`
	LocationName string `json:"locationName"`
	Flattened    bool   `json:"flattened"`
	Stamp        string `json:"timestampFormat"`
}
