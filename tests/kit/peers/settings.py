"""The configuration files of nginx, Apache, lighttpd and Caddy, with the routes of `tests.kit.peers`.

{folder} is a folder of this run, {port} a free port, {chain} and {key} are the server's certificates and key.
"""

from __future__ import annotations

# Debian's nginx 1.22 speaks TLS 1.2 unless it is told to. Uploads: WebDAV stores a PUT in a file.
NGINX = """
daemon off;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
{run_as}
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_max_body_size 0;
    client_body_temp_path {folder}/temp; proxy_temp_path {folder}/temp; fastcgi_temp_path {folder}/temp;
    uwsgi_temp_path {folder}/temp; scgi_temp_path {folder}/temp;
    types {{ text/plain txt; }}
    default_type application/octet-stream;
    server {{
        listen 127.0.0.1:{port}{listen};
        {tls}
        root {folder}/www;
        location = / {{ try_files /hello =404; }}
        location = /chunked {{ gzip on; gzip_types text/plain; try_files /chunked.txt =404; }}
        location = /refuse {{ return 413; }}
        location /upload/ {{ dav_methods PUT; create_full_put_path on; }}
    }}
}}
"""
NGINX_TLS = "ssl_certificate {chain}; ssl_certificate_key {key}; ssl_protocols TLSv1.3;"

APACHE = """
ServerRoot {folder}
ServerName localhost
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
Listen 127.0.0.1:{port}
{modules}
{run_as}
KeepAlive On
MaxKeepAliveRequests 0
ScriptSock {folder}/cgisock
DocumentRoot {folder}/www
<Directory {folder}/www>
    Require all granted
    LimitRequestBody 0
</Directory>
ScriptAlias /chunked {folder}/www/chunked.cgi
ScriptAlias /digest {folder}/www/digest.cgi
<Location /digest>
    LimitRequestBody 0
</Location>
DirectoryIndex hello
Redirect 410 /refuse
{tls}
"""
APACHE_TLS = """
SSLEngine on
SSLCertificateFile {chain}
SSLCertificateKeyFile {key}
SSLProtocol TLSv1.3
SSLSessionCache shmcb:{folder}/sessions(512000)
"""
APACHE_FOLDER = "/usr/lib/apache2/modules"
APACHE_MODULES = "mpm_event authz_core alias dir cgid".split()

LIGHTTPD = """
server.modules = ( "mod_access", "mod_alias", "mod_cgi"{module} )
server.document-root = "{folder}/www"
server.port = {port}
server.bind = "127.0.0.1"
server.errorlog = "{folder}/error.log"
server.upload-dirs = ( "{folder}/temp" )
server.max-keep-alive-requests = 100000
server.max-request-size = 0
server.stream-response-body = 1
index-file.names = ( "hello" )
alias.url = ( "/chunked" => "{folder}/www/chunked.cgi", "/digest" => "{folder}/www/digest.cgi" )
cgi.assign = ( ".cgi" => "" )
$HTTP["url"] =~ "^/refuse" {{ url.access-deny = ( "" ) }}
{tls}
"""
LIGHTTPD_TLS = """
ssl.engine = "enable"
ssl.pemfile = "{chain}"
ssl.privkey = "{key}"
"""

# Caddy has no upload of its own: it answers with what it was sent.
CADDY = """
{{
    admin off
    auto_https off
    storage file_system {folder}/caddy
    servers {{
        protocols h1
    }}
}}
{scheme}://localhost:{port} {{
    bind 127.0.0.1
    {tls}
    root * {folder}/www
    handle /echo {{
        respond "{{http.request.body}}" 200
    }}
    handle /refuse {{
        respond 413
    }}
    handle /chunked {{
        encode gzip
        rewrite * /chunked.txt
        file_server
    }}
    handle / {{
        rewrite * /hello
        file_server
    }}
    handle {{
        file_server
    }}
}}
"""
CADDY_TLS = "tls {chain} {key}"
