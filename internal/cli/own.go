package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
)

// ownTimeout bounds a request to Hearth's own API, which answers from memory.
const ownTimeout = 30 * time.Second

// own asks Hearth's own API, signed like the requests to AWS's services. in becomes
// the body when it is not nil, the answer goes into out.
func (a *app) own(ctx context.Context, method, path string, in, out any) error {
	cfg, err := a.awsConfig(ctx)
	if err != nil {
		return err
	}
	var body []byte
	if in != nil {
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("write the request: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, ownTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(a.target(), "/")+"/_hearth/"+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("write the request: %w", err)
	}
	creds, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("find the keys: %w", err)
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, creds, req, hex.EncodeToString(sum[:]), "hearth", cfg.Region, time.Now()); err != nil {
		return fmt.Errorf("sign the request: %w", err)
	}
	client := http.Client{Timeout: ownTimeout}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return ownError(resp, text)
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}

// ownError is a refusal in the form in which the SDK gives those of AWS's services.
func ownError(resp *http.Response, text []byte) error {
	var said struct{ Message string } // matches "message" too
	if err := json.Unmarshal(text, &said); err != nil || said.Message == "" {
		said.Message = resp.Status
	}
	code, _, _ := strings.Cut(resp.Header.Get("X-Amzn-Errortype"), ":")
	return &smithy.GenericAPIError{Code: code, Message: said.Message}
}
