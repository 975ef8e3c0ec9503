package s3repo

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/kioskeeper/kioskeeper/autoid/awscall"
)

// The four calls that are needed are made here, with the SDK's credentials and signature: its S3 client has a hundred and
// more, and would be five megabytes of the wall's binary.

const (
	attempts    = 3
	callTime    = 30 * time.Second // of one attempt
	maxListPage = 8 << 20
	maxError    = 64 << 10
)

// A call is one request. Headers are conditions.
type call struct {
	method, key string
	query       url.Values
	headers     map[string]string
	body        []byte
	limit       int64 // of the answer
}

// An answer is one that is no refusal.
type answer struct {
	header http.Header
	body   []byte
}

// do makes a call, again where the network or the server fails. All four calls can be made twice.
func (b *Bucket) do(ctx context.Context, c call) (a answer, err error) {
	for i := range attempts {
		if i > 0 {
			t := time.NewTimer(time.Duration(i) * 200 * time.Millisecond)
			select {
			case <-t.C:
			case <-ctx.Done():
				t.Stop()
				return a, ctx.Err()
			}
		}
		if a, err = b.once(ctx, c); !errors.Is(err, errAgain) || ctx.Err() != nil {
			return a, err
		}
	}
	return a, err
}

// errAgain is that a call may succeed if it is made again.
var errAgain = errors.New("S3 does not answer as it should")

func (b *Bucket) once(ctx context.Context, c call) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	req, client, err := b.signed(ctx, c)
	if err != nil {
		return answer{}, err
	}
	res, err := client.Do(req)
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", errAgain, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode/100 != 2 {
		text, _ := io.ReadAll(io.LimitReader(res.Body, maxError)) // without it the status has to do
		return answer{}, b.refusal(c, res.StatusCode, text)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, c.limit+1))
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", errAgain, err)
	}
	if int64(len(body)) > c.limit {
		return answer{}, fmt.Errorf("%s: over %d bytes", b.path(c.key), c.limit)
	}
	return answer{res.Header, body}, nil
}

type doer interface {
	Do(*http.Request) (*http.Response, error)
}

// noRedirects: another region's address would need another signature.
func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (b *Bucket) signed(ctx context.Context, c call) (*http.Request, doer, error) {
	b.mu.Lock()
	if b.Account == nil {
		b.Account = new(awscall.Account)
	}
	b.mu.Unlock()
	cfg, err := b.Account.Config(ctx)
	if err != nil {
		return nil, nil, err
	}
	if cfg.Region == "" {
		return nil, nil, errors.New("s3: which region? AWS_REGION, or ?region= behind the bucket, says it")
	}
	address, err := b.address(cfg.Region, cfg.BaseEndpoint, c)
	if err != nil {
		return nil, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, c.method, address, bytes.NewReader(c.body))
	if err != nil {
		return nil, nil, err
	}
	for name, value := range c.headers {
		req.Header.Set(name, value)
	}
	sum := sha256.Sum256(c.body)
	hash := hex.EncodeToString(sum[:])
	req.Header.Set("X-Amz-Content-Sha256", hash)
	if cfg.Credentials == nil {
		return nil, nil, errors.New("s3: no credentials in the SDK's default chain")
	}
	keys, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("s3: %w", err)
	}
	// A key's escapes are signed as they are, unlike elsewhere in AWS.
	sign := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err := sign.SignHTTP(ctx, keys, req, hash, "s3", cfg.Region, time.Now()); err != nil {
		return nil, nil, err
	}
	if b.Account.HTTP != nil {
		return req, b.Account.HTTP, nil
	}
	return req, &http.Client{CheckRedirect: noRedirects}, nil
}

// address is by bucket's name with AWS, and by path elsewhere, where few have a name for each bucket. So it is with a
// bucket that has a dot, for which AWS's certificate does not hold.
func (b *Bucket) address(region string, endpoint *string, c call) (string, error) {
	var base string
	switch suffix := "amazonaws.com"; {
	case endpoint != nil:
		base = strings.TrimSuffix(*endpoint, "/") + "/" + b.Name
	default:
		if strings.HasPrefix(region, "cn-") {
			suffix += ".cn"
		}
		host := "s3." + region + "." + suffix
		if base = "https://" + b.Name + "." + host; strings.Contains(b.Name, ".") {
			base = "https://" + host + "/" + b.Name
		}
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return "", errors.New("s3: the endpoint is no address")
	}
	u.Path += "/"
	if c.key != "" {
		u.Path += b.Prefix + c.key
	}
	u.RawPath = escape(u.Path)
	u.RawQuery = c.query.Encode()
	return u.String(), nil
}

// escape is what AWS signs: all but the unreserved characters, and the slash.
func escape(path string) string {
	var out strings.Builder
	for _, c := range []byte(path) {
		if 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("-_.~/", c) >= 0 {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}

// errChanged is that a condition of a call did not hold.
var errChanged = errors.New("the object is another by now")

// refusal is what may be known of an error. AWS's own text stays in here: that of a signature which does not match quotes
// what was signed.
func (b *Bucket) refusal(c call, status int, text []byte) error {
	var e struct{ Code string }
	_ = xml.Unmarshal(text, &e) // what has no code has its status
	where := c.method + " " + b.path(c.key)
	switch {
	case e.Code == "NoSuchBucket":
		return fmt.Errorf("%s: there is no such bucket", where)
	case status == http.StatusNotFound:
		return fmt.Errorf("%s: %w", where, fs.ErrNotExist)
	case status == http.StatusForbidden:
		return fmt.Errorf("%s: %s: the caller's policy and the bucket's must allow it "+
			"(without s3:ListBucket, AWS says so of what is not there too)", where, cmp.Or(e.Code, "403"))
	case status == http.StatusPreconditionFailed, status == http.StatusConflict:
		return fmt.Errorf("%s: %w", where, errChanged)
	case status/100 == 3:
		return fmt.Errorf("%s: the bucket is in another region: ?region= behind it, or AWS_REGION, says which", where)
	case status >= http.StatusInternalServerError:
		return fmt.Errorf("%w: %s: status %d %s", errAgain, where, status, e.Code)
	}
	return fmt.Errorf("%s: status %d %s", where, status, e.Code)
}
