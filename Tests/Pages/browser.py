"""Drives headless Chromium over its debugging protocol: as much as the checks of pages need."""

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

import websocket


class Browser:
    """A browser with one page; what the page says on its console and what its policy refuses is kept."""

    def __init__(self, width=1280, height=900):
        self.folder = tempfile.mkdtemp()
        self.log = open(os.path.join(self.folder, "log"), "wb")
        self.process = subprocess.Popen(
            ["chromium-headless-shell", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0",
             "--remote-allow-origins=*", "--disable-background-networking", f"--user-data-dir={self.folder}/profile",
             f"--window-size={width},{height}", "about:blank"],
            stdout=self.log, stderr=self.log)
        self.messages = []
        self.requests = []
        self.count = 0
        place = None
        for _ in range(200):
            text = open(self.log.name, "rb").read().decode(errors="replace")
            found = re.search(r"DevTools listening on (ws://127\.0\.0\.1:(\d+)\S*)", text)
            if found:
                place = found
                break
            time.sleep(0.05)
        if not place:
            raise RuntimeError("the browser does not start")
        self.socket = websocket.create_connection(place.group(1), timeout=30, suppress_origin=True)
        target = self.command("Target.createTarget", {"url": "about:blank"})["targetId"]
        self.session = None
        self.session = self.command("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.command(domain + ".enable")

    def command(self, method, parameters=None):
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters or {}}
        if getattr(self, "session", None):
            message["sessionId"] = self.session
        self.socket.send(json.dumps(message))
        while True:
            answer = self.receive()
            if answer.get("id") == message["id"]:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def receive(self):
        answer = json.loads(self.socket.recv())
        method, parameters = answer.get("method"), answer.get("params", {})
        if method == "Log.entryAdded":
            entry = parameters["entry"]
            self.messages.append(f"{entry['level']}: {entry['text']}")
        elif method == "Runtime.consoleAPICalled":
            self.messages.append(f"console: {[a.get('value') for a in parameters['args']]}")
        elif method == "Runtime.exceptionThrown":
            self.messages.append(f"exception: {parameters['exceptionDetails'].get('text')}")
        elif method == "Page.javascriptDialogOpening":
            self.messages.append(f"dialog: {parameters['message']}")
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        return answer

    def open(self, url, wait=0.4):
        self.command("Page.navigate", {"url": url})
        for _ in range(100):
            if self.run("document.readyState") == "complete":
                break
            time.sleep(0.05)
        time.sleep(wait)
        self.run("1")

    def run(self, script, waits=False):
        result = self.command(
            "Runtime.evaluate", {"expression": script, "returnByValue": True, "awaitPromise": waits})
        if "exceptionDetails" in result:
            raise RuntimeError(str(result["exceptionDetails"]))
        return result["result"].get("value")

    def theme(self, name):
        self.command(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": name}]})

    def media(self, name):
        self.command("Emulation.setEmulatedMedia", {"media": name})

    def size(self, width, height, scale=1, phone=False):
        self.command(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": phone})

    def picture(self, path, whole=False):
        data = self.command("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": whole})["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def paper(self, path):
        data = self.command("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": True})["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def close(self):
        self.socket.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
