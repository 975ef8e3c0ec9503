package chromium

import "context"

// A cookie is one as DevTools gives it, to be handed on as it is. Its value is a secret: it is not to be printed.
type cookie map[string]any

func cookies(ctx context.Context, c *conn, jar string) ([]cookie, error) {
	var r struct{ Cookies []cookie }
	if err := c.call(ctx, "", "Storage.getCookies", params{"browserContextId": jar}, &r); err != nil {
		return nil, err
	}
	for _, c := range r.Cookies { // what is told of a cookie, but not taken
		delete(c, "size")
		delete(c, "session")
		if expires, ok := c["expires"].(float64); ok && expires < 0 { // a session cookie
			delete(c, "expires")
		}
	}
	return r.Cookies, nil
}

// setCookies makes all the jar's cookies these: a leftover of another session must not mix in.
func setCookies(ctx context.Context, c *conn, jar string, all []cookie) error {
	if err := c.call(ctx, "", "Storage.clearCookies", params{"browserContextId": jar}, nil); err != nil {
		return err
	}
	return c.call(ctx, "", "Storage.setCookies", params{"browserContextId": jar, "cookies": all}, nil)
}
